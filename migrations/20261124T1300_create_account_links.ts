import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What is mailed to prove an address: of each kind the newest one only.
	await sql`
		create table account_link (
			account_id uuid not null references account (id) on delete cascade,
			kind text not null check (kind in ('verification', 'reset', 'change')),
			-- SHA-256 of the link's token
			token_hash text not null unique,
			-- Where it was sent: it proves this address and no other.
			email text not null,
			expires_at timestamptz not null,
			used_at timestamptz,
			primary key (account_id, kind)
		)`.execute(db);
	await sql`
		insert into account_link (account_id, kind, token_hash, email, expires_at)
		select account.id, 'verification', token_hash, email, expires_at
		from email_verification join account on account.id = account_id`.execute(db);
	await sql`drop table email_verification`.execute(db);
}
