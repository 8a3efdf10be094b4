import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Without accents, punctuation and legal form: finds what may be the same company.
	await sql`alter table organization add column near_key text not null default ''`.execute(db);
	await sql`update organization set near_key = regexp_replace(name_key, '[^[:alnum:]]', '', 'g')`.execute(db);
	await sql`create index organization_near_key on organization (near_key) where not is_personal`.execute(db);

	// One index for each order of the portal admins' list.
	await sql`drop index organization_requested_at`.execute(db);
	await sql`
		create index organization_requested_at on organization (requested_at, id)
		where not is_personal`.execute(db);
	await sql`create index organization_sorted on organization (name_key, id) where not is_personal`.execute(
		db
	);

	// The portal admins' page of one organization.
	await sql`
		create index event_portal on event (organization_id, portal_seq)
		where portal_seq is not null`.execute(db);
	await sql`create index account_domain on account ((split_part(email, '@', 2)))`.execute(db);
}
