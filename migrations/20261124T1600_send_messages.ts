import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// One row: the mail server as "Settings" > "E-mail" names it. Empty texts are not set; secrets are encrypted.
	await sql`
		create table mail_server (
			id boolean primary key default true check (id),
			host text not null default '',
			port integer not null default 587 check (port between 1 and 65535),
			security text not null default 'starttls' check (security in ('starttls', 'tls', 'none')),
			username text not null default '',
			password text,
			from_name text not null default '',
			from_address text not null default '',
			reply_to text not null default '',
			-- One address a line.
			admin_recipients text not null default '',
			per_minute integer check (per_minute between 1 and 10000),
			dkim_domain text not null default '',
			dkim_selector text not null default '',
			dkim_key text
		)`.execute(db);
	await sql`insert into mail_server default values`.execute(db);
	// When something was handed to the mail server within the last minute; kept only while there is a limit.
	await sql`create table mail_try (at timestamptz not null)`.execute(db);
	await sql`create index mail_try_at on mail_try (at)`.execute(db);

	await sql`
		alter table message
			drop constraint message_state_check,
			-- Outdated: what it links to was over before it could be sent.
			add constraint message_state_check check (state in ('queued', 'sent', 'kept', 'failed', 'outdated')),
			add column next_try_at timestamptz,
			-- What the mail server said when it took the message.
			add column answer text,
			-- Messages with the same key become one, until the first of them is due.
			add column gather_key text`.execute(db);
	await sql`drop index message_created_at`.execute(db);
	await sql`create index message_created_at on message (created_at, id)`.execute(db);
	await sql`create index message_state on message (state, created_at, id)`.execute(db);
	await sql`create index message_gathered on message (gather_key) where gather_key is not null`.execute(db);
	await sql`create index event_mail_server on event (portal_seq) where name = 'mailServer.updated'`.execute(
		db
	);

	// E-mails that a person doesn't want. Whether portal admins are written to about requests is in their account.
	await sql`
		create table mail_opt_out (
			account_id uuid not null references account (id) on delete cascade,
			topic text not null,
			primary key (account_id, topic)
		)`.execute(db);
}
