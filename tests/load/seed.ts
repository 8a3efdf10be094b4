import { sql } from 'kysely';
import type { Db } from '../../src/database/database.ts';

/**
 * Organizations with members and applications, and events of the portal's stream, made by the database itself. Their
 * chain is right: `npm run verify-activity` finds nothing to say about them.
 */
export async function seedOrganizations(db: Db, count: number, memberships = count * 3): Promise<void> {
	const many = sql.lit(count);
	await sql`
		insert into account (email, password_hash, first_name, last_name, email_verified_at, created_at)
		select 'person' || i || '@company' || i || '.test', 'none', 'Person', 'No ' || i, now(),
			now() - make_interval(mins => i)
		from generate_series(1, ${many}) i`.execute(db);
	await sql`
		insert into organization (slug, name, name_key, near_key, status, requested_by, requested_at, decided_at)
		select 'company-' || i, 'Company ' || i, 'company ' || i, 'company' || i,
			(array['approved', 'approved', 'approved', 'approved', 'approved', 'approved', 'approved', 'pending',
				'rejected', 'suspended'])[1 + i % 10],
			account.id, now() - make_interval(mins => i), now() - make_interval(mins => i)
		from generate_series(1, ${many}) i
		join account on account.email = 'person' || i || '@company' || i || '.test'`.execute(db);
	// Each company has its owner and the owners of the next ones, the first companies of one more.
	await sql`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select organization.id, account.id, account.first_name, account.last_name,
			case other when 0 then 'super_admin' else 'team_member' end
		from generate_series(1, ${many}) i
		cross join generate_series(0, ${sql.lit(Math.ceil(memberships / count) - 1)}) other
		join organization on organization.slug = 'company-' || i
		join account on account.email = format('person%1$s@company%1$s.test', 1 + (i + other - 1) % ${many})
		where other * ${many} + i <= ${sql.lit(memberships)}`.execute(db);
	await sql`
		insert into application (organization_id, name, created_by)
		select id, 'Application ' || n, requested_by from organization cross join generate_series(1, 2) n
		where not is_personal`.execute(db);
}

/** Spread over a year, oldest first; every hundredth by the same person. */
export async function seedEvents(db: Db, count: number, organizations: number): Promise<void> {
	await sql`
		do $$
		declare
			one record;
			number bigint;
			last bytea;
		begin
			select last_seq, last_hash into number, last from portal;
			for one in
				with given as (
					select i, case when i % 100 = 0 then 1 else 1 + i * 7919 % ${sql.lit(organizations)} end as n, i % 4 as kind
					from generate_series(1, ${sql.lit(count)}) i
				)
				select
					organization.id as organization_id,
					(array['application.created', 'member.joined', 'organization.approved', 'account.verified'])[1 + kind] as name,
					jsonb_build_object('id', account.id, 'name', 'Person No ' || n, 'kind', 'developer') as actor,
					case kind
						when 0 then jsonb_build_object('application', jsonb_build_object(
							'id', gen_random_uuid(), 'name', '=Application ' || i, 'description', '',
							'createdBy', null, 'createdAt', '2026-01-01T00:00:00.000Z', 'credentials', '[]'::jsonb))
						when 1 then jsonb_build_object('member', jsonb_build_object(
							'id', gen_random_uuid(), 'userId', account.id, 'email', account.email, 'firstName', 'Person',
							'lastName', 'No ' || n, 'role', 'team_member', 'joinedAt', '2026-01-01T00:00:00.000Z'))
						when 2 then jsonb_build_object('previousStatus', 'pending', 'organization', jsonb_build_object(
							'id', organization.id, 'slug', organization.slug, 'name', organization.name,
							'status', 'approved', 'isPersonal', false, 'isRevealRestricted', false, 'isAccessRestricted', false, 'requestedBy', null,
							'requestedAt', '2026-01-01T00:00:00.000Z', 'decidedBy', null, 'decidedAt', null, 'rejectionReason', null))
						else jsonb_build_object('account', jsonb_build_object(
							'id', account.id, 'email', account.email, 'firstName', 'Person', 'lastName', 'No ' || n,
							'status', 'active', 'isEmailVerified', true, 'isPortalAdmin', false, 'isNotified', true,
							'createdAt', '2026-01-01T00:00:00.000Z'))
					end as payload,
					now() - (${sql.lit(count)} - i) * interval '1 year' / ${sql.lit(count)} as at
				from given
				join organization on organization.slug = 'company-' || n
				join account on account.id = organization.requested_by
				order by i
			loop
				number := number + 1;
				last := event_hash(
					last, 'portal', number, one.organization_id, one.name, one.actor, one.payload, one.at
				);
				insert into event (organization_id, portal_seq, portal_hash, name, actor, payload, at)
				values (one.organization_id, number, last, one.name, one.actor, one.payload, one.at);
			end loop;
			update portal set last_seq = number, last_hash = last;
		end
		$$`.execute(db);
}
