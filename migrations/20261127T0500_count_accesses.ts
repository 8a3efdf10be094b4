import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// How much of each API product an application uses, by the month of the calendar, in UTC: what was let in.
	await sql`
		create table access_use (
			access_id uuid not null references access on delete cascade,
			began_at timestamptz not null,
			count bigint not null,
			primary key (access_id, began_at)
		)`.execute(db);
	await sql`create index access_use_began_at on access_use (began_at)`.execute(db);
}
