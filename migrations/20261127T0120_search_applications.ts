import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Searched by in lists of many: made once, as that of organizations.
	await sql`
		alter table application add column search_key text not null
		generated always as (search_key(name)) stored`.execute(db);
}
