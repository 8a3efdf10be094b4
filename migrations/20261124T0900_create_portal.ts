import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// One row: the portal's settings, the number of its latest event and what proves that the encryption key is right.
	await sql`
		create table portal (
			id boolean primary key default true check (id),
			can_register boolean not null default true,
			can_sign_in boolean not null default true,
			is_auto_approving_accounts boolean not null default true,
			can_register_organizations boolean not null default true,
			is_auto_approving_organizations boolean not null default false,
			last_seq bigint not null default 0,
			key_check text,
			setup_token_hash text
		)`.execute(db);
	await sql`insert into portal default values`.execute(db);

	await sql`
		create table rate_limit (
			key text primary key,
			count integer not null,
			resets_at timestamptz not null
		)`.execute(db);
	await sql`create index rate_limit_resets_at on rate_limit (resets_at)`.execute(db);

	await sql`
		create table message (
			id uuid primary key default gen_random_uuid(),
			recipient_name text not null,
			recipient text not null,
			template text not null,
			subject text not null,
			-- Encrypted: a message may carry a link that is a secret. Emptied when the message has gone out.
			content text,
			state text not null default 'queued' check (state in ('queued', 'sent', 'kept', 'failed')),
			attempts integer not null default 0,
			error text,
			created_at timestamptz not null default now(),
			sent_at timestamptz
		)`.execute(db);
	await sql`create index message_created_at on message (created_at desc)`.execute(db);
}
