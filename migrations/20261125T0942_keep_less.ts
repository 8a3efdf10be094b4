import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// For how many days e-mails that are done with and invitations that have ended are kept. Events are kept for ever.
	await sql`
		alter table portal add column retention_days integer not null default 90
		check (retention_days between 1 and 3650)`.execute(db);
	await sql`
		create index invitation_ended on invitation (expires_at) where state <> 'pending'`.execute(db);
	// The newest of an application first, and the pages of those that have ended.
	await sql`create index credential_newest on credential (application_id, created_at desc, id)`.execute(db);
}
