import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		create table organization (
			id uuid primary key default gen_random_uuid(),
			slug text not null unique,
			name text not null,
			-- What makes two names the same: lower case, one space between words, compatibility forms folded.
			name_key text not null,
			status text not null check (status in ('pending', 'approved', 'rejected', 'withdrawn', 'suspended')),
			is_personal boolean not null default false,
			is_reveal_restricted boolean not null default false,
			requested_by uuid references account (id) on delete set null,
			requested_at timestamptz not null default now(),
			decided_by uuid references account (id) on delete set null,
			decided_at timestamptz,
			rejection_reason text,
			last_seq bigint not null default 0
		)`.execute(db);
	await sql`
		create unique index organization_name_key on organization (name_key)
		where not is_personal and status in ('pending', 'approved', 'suspended')`.execute(db);
	await sql`
		create index organization_requested_at on organization (requested_at desc, id)
		where not is_personal`.execute(db);
	await sql`create index organization_status on organization (status) where not is_personal`.execute(db);
	await sql`create index organization_requested_by on organization (requested_by)`.execute(db);

	await sql`
		create table membership (
			id uuid primary key default gen_random_uuid(),
			organization_id uuid not null references organization (id) on delete cascade,
			user_id uuid not null references account (id) on delete cascade,
			first_name text not null,
			last_name text not null,
			role text not null check (role in ('super_admin', 'team_member')),
			joined_at timestamptz not null default now(),
			unique (organization_id, user_id)
		)`.execute(db);
	await sql`create index membership_user_id on membership (user_id)`.execute(db);

	await sql`
		create table invitation (
			id uuid primary key default gen_random_uuid(),
			organization_id uuid not null references organization (id) on delete cascade,
			email text not null,
			first_name text not null,
			last_name text not null,
			role text not null check (role in ('super_admin', 'team_member')),
			token_hash text not null unique,
			state text not null default 'pending'
				check (state in ('pending', 'accepted', 'declined', 'revoked')),
			invited_by uuid not null references account (id) on delete cascade,
			created_at timestamptz not null default now(),
			sent_at timestamptz not null default now(),
			expires_at timestamptz not null
		)`.execute(db);
	await sql`
		create unique index invitation_open on invitation (organization_id, email)
		where state = 'pending'`.execute(db);
	await sql`create index invitation_invited_by on invitation (invited_by) where state = 'pending'`.execute(
		db
	);
}
