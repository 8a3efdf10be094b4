import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What was decided is listed by what became of it, the latest first: by (decided_at) alone, whoever looks for the few
	// that were rejected would read all that were approved since.
	await sql`create index access_request_listed on access_request (status, decided_at, id)`.execute(db);
	await sql`drop index access_request_decided`.execute(db);

	// Searched by in lists of many: made once, as that of organizations.
	await sql`
		alter table application add column search_key text not null
		generated always as (search_key(name)) stored`.execute(db);
}
