import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		alter table organization
			add column deletes_at timestamptz,
			add column deletion_asked_by uuid references account (id) on delete set null,
			-- What a portal admin has set, only a portal admin takes back.
			add column is_deletion_by_portal boolean not null default false`.execute(db);
	await sql`create index organization_deletes_at on organization (deletes_at) where deletes_at is not null`.execute(
		db
	);
	// What happened on the portal outlives the organization that it happened to.
	await sql`alter table event drop constraint if exists event_organization_id_fkey`.execute(db);
}
