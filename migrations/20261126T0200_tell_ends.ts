import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`alter table credential add column ended_told_at timestamptz`.execute(db);
	// What has ended long ago is no news.
	await sql`update credential set ended_told_at = now() where expires_at <= now()`.execute(db);
	await sql`
		create index credential_ending on credential (expires_at)
		where expires_at is not null and revoked_at is null and ended_told_at is null`.execute(db);
	// E-mails of topics that nobody gets who hasn't asked for them.
	await sql`
		create table mail_opt_in (
			account_id uuid not null references account (id) on delete cascade,
			topic text not null,
			primary key (account_id, topic)
		)`.execute(db);
}
