import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		alter table session
			-- What pages call it by: its id is the hash of a secret.
			add column public_id uuid not null default gen_random_uuid() unique,
			add column device text not null default '',
			add column address text not null default '',
			-- To within some minutes.
			add column last_seen_at timestamptz not null default now()`.execute(db);

	// Browsers in which somebody has signed in before, by the hash of a cookie of their own.
	await sql`
		create table known_device (
			account_id uuid not null references account (id) on delete cascade,
			device_hash text not null,
			seen_at timestamptz not null default now(),
			primary key (account_id, device_hash)
		)`.execute(db);
	await sql`create index known_device_seen_at on known_device (seen_at)`.execute(db);
}
