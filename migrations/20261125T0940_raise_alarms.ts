import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What the portal's admins have to look after, one row for each kind while it lasts. No secret stands in `detail`.
	await sql`
		create table alarm (
			kind text primary key,
			detail text not null default '',
			raised_at timestamptz not null default now(),
			last_at timestamptz not null default now(),
			count integer not null default 1,
			-- Seen by an admin, who doesn't want to be told of the same again.
			dismissed_at timestamptz
		)`.execute(db);
}
