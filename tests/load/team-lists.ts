import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../../src/database/database.ts';
import { afterPlace, one, type Measure } from './listing.ts';
import { slugs } from './seed-lists.ts';

/** The lists of teams: of the organization of 1,000 members, and of the one that has much of everything else. */
export async function planTeamLists(db: Db): Promise<Measure[]> {
	const { large, old, applicationId, usedId } = await one(
		db,
		sql<Record<'large' | 'old' | 'applicationId' | 'usedId', string>>`
			select (select id from organization where slug = ${slugs.large}) as large,
				(select id from organization where slug = ${slugs.old}) as old,
				application_id, application_id as used_id
			from credential where label = 'Ended 1'`
	);
	const roster = (where: RawBuilder<unknown>) => sql`
		select membership.*, account.email from membership join account on account.id = user_id
		where organization_id = ${large} and account.status = 'active' and ${where}
		order by membership.name_key, membership.id limit 101`;
	const invited = sql`select * from invitation where organization_id = ${old} and state = 'pending'`;
	const ended = sql`select * from credential where application_id = ${applicationId} and revoked_at is not null`;
	const { place, endedPlace } = await one(
		db,
		sql<Record<'place' | 'endedPlace', { value: string; id: string }>>`
			select (
				select json_build_object('value', name_key || ' ' || email, 'id', membership.id)
				from membership join account on account.id = user_id where organization_id = ${large}
				order by name_key || ' ' || email offset 899 limit 1
			) as place, (
				select json_build_object('value', created_at::text, 'id', id) from credential
				where application_id = ${applicationId} and revoked_at is not null
				order by created_at desc, id desc offset 899 limit 1
			) as ended_place`
	);
	const ids = await sql<{ id: string }>`
		select id from membership where organization_id = ${large} limit 50`.execute(db);
	const told = (where: RawBuilder<unknown>) => sql`
		select * from event where organization_id = ${old} and seq is not null and ${where}
		order by at desc, id desc limit 51`;
	return [
		{
			name: 'an organization of 1,000 members is opened',
			floor: roster(
				sql`membership.user_id in (select user_id from presence where organization_id = ${large})`
			),
			work: ({ member }) => member.organizations.open.query({ slug: slugs.large })
		},
		{
			name: 'members of 1,000, first page',
			floor: roster(sql`true`),
			work: ({ member }) => member.members.list.query({ organizationId: large })
		},
		{
			name: 'members of 1,000, 10th page',
			floor: roster(sql`(name_key || ' ' || email, membership.id) > (${place.value}, ${place.id}::uuid)`),
			work: ({ member }) => member.members.list.query({ organizationId: large, after: place })
		},
		{
			name: 'members of 1,000, search',
			floor: roster(sql`name_key || ' ' || email like '%no 99%'`),
			work: ({ member }) => member.members.list.query({ organizationId: large, search: 'no 99' })
		},
		{
			name: 'members of 1,000, when last seen',
			floor: sql`select user_id, last_seen_at from membership join account on account.id = user_id where organization_id = ${large}`,
			work: ({ member }) => member.members.listSeen.query({ organizationId: large })
		},
		{
			name: 'members of 1,000, fifty by their ids',
			floor: roster(sql`membership.id = any(${ids.rows.map(({ id }) => id)}::uuid[])`),
			work: ({ member }) =>
				member.members.listNamed.query({ organizationId: large, ids: ids.rows.map(({ id }) => id) })
		},
		{
			name: 'invitations of 500, latest first',
			floor: sql`${invited} order by sent_at desc, id desc limit 101`,
			work: ({ member }) => member.members.list.query({ organizationId: old, filter: 'invited' })
		},
		{
			name: 'invitations of 500, by an address',
			floor: sql`${invited} and email = 'invited7@company1.test'`,
			work: ({ member }) =>
				member.invitations.find.query({ organizationId: old, email: 'invited7@company1.test' })
		},
		{
			name: 'credentials of 1,000 that have ended, first page',
			floor: sql`${ended} order by created_at desc, id desc limit 51`,
			work: ({ member }) => member.credentials.list.query({ organizationId: old, applicationId })
		},
		{
			name: 'credentials of 1,000 that have ended, 19th page',
			floor: sql`${ended} and ${afterPlace('created_at', 'id', endedPlace)} order by created_at desc, id desc limit 51`,
			work: ({ member }) =>
				member.credentials.list.query({ organizationId: old, applicationId, after: endedPlace })
		},
		{
			name: 'credentials that somebody knows who has gone',
			floor: sql`select * from credential join application on application.id = application_id
				where organization_id = ${old} and revoked_at is null`,
			work: ({ member }) => member.credentials.listExposed.query({ organizationId: old })
		},
		{
			name: 'requests of an hour, row by row',
			floor: sql`select usage_count.* from usage_count join credential on credential.id = credential_id
				where application_id = ${usedId} and span = 'minute' and at >= now() - interval '1 hour'
				order by at, credential_id, answer limit 1000`,
			work: ({ member }) =>
				member.usage.listRows.query({ organizationId: old, applicationId: usedId, range: 'hour' })
		},
		{
			name: 'own activity of 20,000, first page',
			floor: told(sql`true`),
			work: ({ member }) => member.activity.list.query({ organizationId: old })
		},
		{
			name: 'own activity of 20,000, what was missed (100)',
			floor: sql`select * from event where organization_id = ${old} and seq > 19900 order by seq limit 501`,
			work: ({ member }) => member.activity.since.query({ organizationId: old, after: 19_900 })
		}
	];
}
