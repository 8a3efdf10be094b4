import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What was decided about an application stays when that is deleted, by the name that it had.
	await sql`alter table access_request drop constraint access_request_application_id_fkey`.execute(db);
	await sql`alter table access_request add column application_name text`.execute(db);
}
