import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What was decided is listed by its status, the newest first, which the index of all that is decided doesn't know.
	await sql`drop index access_request_decided`.execute(db);
	await sql`
		create index access_request_decided on access_request (status, decided_at desc, id desc)`.execute(db);
}
