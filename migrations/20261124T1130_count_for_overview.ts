import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What the overview counts of the last 30 days.
	await sql`create index membership_joined_at on membership (joined_at)`.execute(db);
	await sql`create index credential_created_at on credential (created_at)`.execute(db);
	await sql`create index message_failed on message (created_at) where state = 'failed'`.execute(db);
}
