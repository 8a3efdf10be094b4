import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// The limits against spam, for a provider whose customers bring a thousand people on one day.
	await sql`
		alter table portal
			add column max_open_invitations integer not null default 50
				check (max_open_invitations between 1 and 10000),
			add column invitations_per_day integer not null default 50
				check (invitations_per_day between 1 and 10000),
			add column invitations_per_inviter integer not null default 30
				check (invitations_per_inviter between 1 and 10000)`.execute(db);
	// The e-mail that carries the present link; how far it has come is shown beside the invitation.
	await sql`
		alter table invitation add column message_id uuid references message (id) on delete set null`.execute(db);
	await sql`create index invitation_message_id on invitation (message_id)`.execute(db);
	await sql`
		create index invitation_newest on invitation (organization_id, created_at desc)
		where state = 'pending'`.execute(db);
}
