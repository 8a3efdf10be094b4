import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Up to which event the person has seen the organization, and when they last opened it.
	await sql`
		alter table membership
			add column seen_seq bigint not null default 0,
			add column visited_at timestamptz`.execute(db);
	await sql`
		update membership set seen_seq = organization.last_seq from organization
		where organization.id = membership.organization_id`.execute(db);
	// The invitations that wait for the owner of an address.
	await sql`create index invitation_email on invitation (email) where state = 'pending'`.execute(db);

	// A replaced credential goes on working for a while, and needs no rotation any more.
	await sql`alter table credential add column is_replaced boolean not null default false`.execute(db);
	await sql`
		update credential set is_replaced = true
		where id::text in (
			select payload->'replaced'->>'id' from event where name = 'credential.rotated'
		)`.execute(db);
	// Who has seen a credential.
	await sql`
		create index event_seen_credential on event (organization_id, (payload->'credential'->>'id'))
		where name in ('credential.revealed', 'credential.copied')`.execute(db);
}
