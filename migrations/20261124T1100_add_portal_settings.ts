import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		alter table portal
			add column name text not null default 'Portico',
			add column support_email text,
			add column invitation_days integer not null default 7 check (invitation_days between 1 and 30),
			add column max_members integer not null default 100 check (max_members between 1 and 10000)`.execute(db);
	// Whether a portal admin is written to about requests.
	await sql`alter table account add column is_notified boolean not null default true`.execute(db);
	await sql`create index account_admins on account (created_at) where is_portal_admin`.execute(db);
	await sql`create index event_settings on event (portal_seq) where name = 'settings.updated'`.execute(db);
}
