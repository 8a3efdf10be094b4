import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// The machines of the provider that ask whether a key works, and where each of them looks for it.
	await sql`
		create table gateway (
			id uuid primary key default gen_random_uuid(),
			name text not null,
			kind text not null,
			-- The one whose token stands in the environment of the server, and not here.
			is_environment boolean not null default false,
			has_bearer boolean not null default true,
			has_api_key boolean not null default true,
			header_name text not null default '',
			query_name text not null default '',
			created_by jsonb not null,
			created_at timestamptz not null default now(),
			revoked_at timestamptz,
			last_used_at timestamptz,
			last_used_from text not null default ''
		)`.execute(db);
	await sql`
		create unique index gateway_seen_name on gateway (seen_name(name)) where revoked_at is null and not is_environment`.execute(
		db
	);

	// Only the hash of each; several work at once while one takes the place of another.
	await sql`
		create table gateway_token (
			id uuid primary key default gen_random_uuid(),
			gateway_id uuid not null references gateway on delete cascade,
			token_hash text not null unique,
			last_four text not null,
			created_at timestamptz not null default now(),
			expires_at timestamptz,
			last_used_at timestamptz
		)`.execute(db);
	await sql`create index gateway_token_gateway on gateway_token (gateway_id)`.execute(db);

	await sql`
		insert into gateway (id, name, kind, is_environment, created_by)
		values (
			'00000000-0000-4000-8000-000000000001', 'First gateway', 'other', true,
			'{"id":null,"name":"Portico","kind":"system"}'
		)`.execute(db);
}
