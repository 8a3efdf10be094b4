import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		create table account (
			id uuid primary key default gen_random_uuid(),
			email text not null unique,
			password_hash text not null,
			first_name text not null,
			last_name text not null,
			status text not null default 'active' check (status in ('pending', 'active', 'rejected')),
			is_portal_admin boolean not null default false,
			email_verified_at timestamptz,
			created_at timestamptz not null default now()
		)`.execute(db);
	await sql`create index account_created_at on account (created_at desc)`.execute(db);
	await sql`create index account_is_portal_admin on account (id) where is_portal_admin`.execute(db);

	await sql`
		create table session (
			-- SHA-256 of the cookie's token
			id text primary key,
			user_id uuid not null references account (id) on delete cascade,
			expires_at timestamptz not null,
			created_at timestamptz not null default now()
		)`.execute(db);
	await sql`create index session_user_id on session (user_id)`.execute(db);
	await sql`create index session_expires_at on session (expires_at)`.execute(db);

	await sql`
		create table email_verification (
			token_hash text primary key,
			account_id uuid not null unique references account (id) on delete cascade,
			expires_at timestamptz not null
		)`.execute(db);

	await sql`
		create table presence (
			process_id uuid not null,
			organization_id uuid not null,
			user_id uuid not null,
			seen_at timestamptz not null default now(),
			primary key (organization_id, user_id, process_id)
		)`.execute(db);
	await sql`create index presence_process_id on presence (process_id)`.execute(db);
}
