import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Streams whose organization is gone: their events are deleted some thousand at a time.
	await sql`
		create table gone_stream (
			organization_id uuid primary key,
			gone_at timestamptz not null default now()
		)`.execute(db);
}
