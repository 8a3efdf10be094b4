import { sql } from 'kysely';
import type { Db } from '../../src/database/database.ts';
import { insertPerson } from '../people.ts';
import { seedEvents, seedOrganizations } from './seed.ts';

/** What fills the lists that are measured: as much of everything as an old and large portal may have. */
export const sizes = {
	organizations: 10_000,
	/** 1,000 of them of one organization. */
	memberships: 142_000,
	members: 1000,
	events: 100_000,
	/** That one organization alone was told. */
	ownEvents: 20_000,
	messages: 100_000,
	invitations: 500,
	endedCredentials: 1000,
	versions: 200
};

const password = 'a password for measuring';

/** The organization of so many members, and the one that has much of everything else; the same member is in both. */
export const slugs = { large: 'thousand', old: 'company-1' };

async function seedMembers(db: Db, memberId: string): Promise<void> {
	await sql`
		insert into organization (slug, name, name_key, near_key, status, requested_by, requested_at, decided_at)
		select ${slugs.large}, 'Thousand', 'thousand', 'thousand', 'approved', id, now() - interval '1 year', now()
		from account where email = 'person1@company1.test'`.execute(db);
	await sql`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select organization.id, one.id, one.first_name, one.last_name, 'team_member'
		from organization, (select * from account order by created_at limit ${sql.lit(sizes.members - 1)}) one
		where slug = ${slugs.large}`.execute(db);
	await sql`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select id, ${memberId}, 'Mem', 'Ber', 'super_admin' from organization
		where slug in (${slugs.large}, ${slugs.old})`.execute(db);
	await sql`
		insert into invitation (organization_id, email, first_name, last_name, role, token_hash, invited_by, expires_at)
		select id, 'invited' || i || '@company1.test', 'In', 'Vited ' || i, 'team_member', 'seed-' || i, requested_by,
			now() + interval '7 days'
		from organization, generate_series(1, ${sql.lit(sizes.invitations)}) i where slug = ${slugs.old}`.execute(db);
}

async function seedMessages(db: Db): Promise<void> {
	await sql`
		insert into message (recipient_name, recipient, template, subject, state, attempts, created_at, sent_at)
		select 'Person No ' || n, format('person%1$s@company%1$s.test', n), 'member-role-changed',
			'Your permission in Company ' || n || ' has changed',
			case when i % 100 = 0 then 'failed' else 'sent' end, 1,
			now() - make_interval(secs => i * 15), now() - make_interval(secs => i * 15)
		from generate_series(1, ${sql.lit(sizes.messages)}) i, lateral (select 1 + i % ${sql.lit(sizes.organizations)} as n) of`.execute(
		db
	);
}

/** A credential of each application, every tenth of them used daily; and many that one application had once. */
async function seedCredentials(db: Db): Promise<void> {
	await sql`
		insert into credential (application_id, label, last_four, secret, lookup_hash)
		select id, 'Default', 'abcd', 'none', 'now-' || id from application`.execute(db);
	await sql`
		insert into credential (application_id, label, last_four, secret, lookup_hash, created_at, revoked_at)
		select application.id, 'Ended ' || i, 'abcd', 'none', 'ended-' || i, now() - make_interval(hours => i), now()
		from generate_series(1, ${sql.lit(sizes.endedCredentials)}) i, application
		join organization on organization.id = organization_id
		where slug = ${slugs.old} and application.name = 'Application 1'`.execute(db);
	const used = sql`
		insert into usage_count (credential_id, span, at, answer, count)
		select id, span, date_trunc(span, now(), 'UTC') - at * ('1 ' || span)::interval, answer, 10 + at`;
	await sql`
		${used} from (select id, row_number() over (order by id) as n from credential where revoked_at is null) one
		cross join generate_series(0, 29) at cross join (values ('allowed')) as given (answer) cross join (values ('day')) as of (span)
		where n % 10 = 0`.execute(db);
	// Of one hour, minute by minute, as an export asks for it by the page.
	await sql`
		${used} from (select id from credential where label like 'Ended %' order by created_at desc limit 50) one
		cross join generate_series(0, 50) at cross join (values ('allowed')) as given (answer) cross join (values ('minute')) as of (span)
		on conflict do nothing`.execute(db);
}

/** What one organization was told, by the function that numbers and chains it. */
async function seedOwnEvents(db: Db): Promise<void> {
	await sql`
		select publish_events(organization.id, (
			select jsonb_agg(jsonb_build_object(
				'name', 'member.updated',
				'actor', jsonb_build_object('id', requested_by, 'name', 'Person No 1', 'kind', 'developer'),
				'payload', jsonb_build_object(
					'member', jsonb_build_object(
						'id', gen_random_uuid(), 'userId', requested_by, 'email', 'person1@company1.test', 'firstName', 'Person',
						'lastName', 'No ' || i, 'role', 'team_member', 'joinedAt', '2026-01-01T00:00:00.000Z'),
					'previous', jsonb_build_object(
						'id', gen_random_uuid(), 'userId', requested_by, 'email', 'person1@company1.test', 'firstName', 'Person',
						'lastName', 'No ' || i, 'role', 'super_admin', 'joinedAt', '2026-01-01T00:00:00.000Z')),
				'isForOrganization', true, 'isForPortal', false))
			from generate_series(1, 1000) i))
		from organization, generate_series(1, ${sql.lit(sizes.ownEvents / 1000)}) where slug = ${slugs.old}`.execute(
		db
	);
}

async function seedVersions(db: Db): Promise<void> {
	await sql`
		insert into email_template (name, version, subject, body, note, author, at)
		select 'member-role-changed', i, 'Your permission', '<mj-text>Your permission has changed.</mj-text>', 'Note ' || i,
			'{"id":null,"name":"Portico","kind":"system"}'::jsonb, now()
		from generate_series(1, ${sql.lit(sizes.versions)}) i`.execute(db);
}

/** Takes longer than the portal's own connections let a statement. Returns the cookies of a portal admin and of a Super admin of both organizations. */
export async function seedLists(db: Db) {
	await seedOrganizations(db, sizes.organizations, sizes.memberships - sizes.members);
	await seedEvents(db, sizes.events, sizes.organizations);
	const [admin, member] = [
		await insertPerson(
			db,
			{ email: 'admin@example.test', firstName: 'Ad', lastName: 'Min' },
			password,
			'10.0.0.1'
		),
		await insertPerson(
			db,
			{ email: 'member@example.test', firstName: 'Mem', lastName: 'Ber' },
			password,
			'10.0.0.2'
		)
	];
	await sql`update account set is_portal_admin = true where id = ${admin.userId}`.execute(db);
	await seedMembers(db, member.userId);
	await seedMessages(db);
	await seedCredentials(db);
	await seedOwnEvents(db);
	await seedVersions(db);
	const cookieOf = ({ cookies }: typeof admin) => cookies.map((pair) => pair.join('=')).join('; ');
	return { admin: cookieOf(admin), member: cookieOf(member) };
}
