import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Which processes serve the portal, and what each of them is: a row that its process keeps fresh. Of a key only by what
	// it is told from others, which says nothing of it.
	await sql`
		create table process (
			id uuid primary key,
			host text not null,
			version text not null,
			encryption_key text not null,
			lookup_key text not null,
			seen_at timestamptz not null default clock_timestamp()
		)`.execute(db);
}
