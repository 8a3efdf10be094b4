import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		create table application (
			id uuid primary key default gen_random_uuid(),
			organization_id uuid not null references organization (id) on delete cascade,
			name text not null,
			description text not null default '',
			created_by uuid references account (id) on delete set null,
			created_at timestamptz not null default now()
		)`.execute(db);
	await sql`
		create unique index application_name on application (organization_id, lower(name))`.execute(db);

	await sql`
		create table credential (
			id uuid primary key default gen_random_uuid(),
			application_id uuid not null references application (id) on delete cascade,
			label text not null,
			last_four text not null,
			-- AES-256-GCM, see src/vault/vault.ts; the id of its key stands in the text.
			secret text not null,
			-- HMAC-SHA-256 of the key, to find the credential that a request presents.
			lookup_hash text not null unique,
			created_by uuid references account (id) on delete set null,
			created_at timestamptz not null default now(),
			expires_at timestamptz,
			revoked_at timestamptz
		)`.execute(db);
	await sql`create index credential_application_id on credential (application_id)`.execute(db);
}
