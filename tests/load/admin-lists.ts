import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../../src/database/database.ts';
import { afterPlace, both, far, one, pageLength, placeIn, type Measure, type Visitors } from './listing.ts';
import { slugs } from './seed-lists.ts';

/** The lists of portal admins. */

async function planOrganizations(db: Db): Promise<Measure[]> {
	const isShown = sql`organization.status <> 'withdrawn'`;
	const listed = (where: RawBuilder<unknown>, order = sql`requested_at desc, organization.id desc`) => sql`
		select organization.*, requester.email, requester.first_name, requester.last_name,
			(select count(*) from membership where organization_id = organization.id),
			(select count(*) from application where organization_id = organization.id)
		from organization left join account requester on requester.id = organization.requested_by
		where not is_personal and ${where}
		order by ${order} limit ${sql.lit(pageLength + 1)}`;
	const searched = (text: string) =>
		both(
			isShown,
			sql`(organization.search_key like ${`%${text}%`} or requester.search_key like ${`%${text}%`})`
		);
	const after = await placeIn(
		db,
		'organization',
		'requested_at',
		sql`not is_personal and status <> 'withdrawn'`
	);
	const { organizationId } = await one(
		db,
		sql<{
			organizationId: string;
		}>`select id as organization_id from organization where slug = ${slugs.large}`
	);
	return [
		{
			name: 'organizations, first page',
			floor: listed(isShown),
			work: ({ admin }) => admin.organizations.list.query({})
		},
		{
			name: 'organizations, 100th page',
			floor: listed(both(isShown, afterPlace('requested_at', 'organization.id', after))),
			work: ({ admin }) => admin.organizations.listMore.query({ after })
		},
		{
			name: 'organizations, by name',
			floor: listed(isShown, sql`organization.name_key, organization.id`),
			work: ({ admin }) => admin.organizations.list.query({ order: 'name' })
		},
		{
			name: 'organizations, status “pending”',
			floor: listed(sql`organization.status = 'pending'`),
			work: ({ admin }) => admin.organizations.list.query({ status: 'pending' })
		},
		...['company 9999', 'nobody is called so'].map((search) => ({
			name: `organizations, search “${search}”`,
			floor: listed(searched(search)),
			work: ({ admin }: Visitors) => admin.organizations.list.query({ search })
		})),
		{
			name: 'an organization of 1,000, for portal admins',
			floor: sql`select * from membership join account on account.id = user_id
				where organization_id = ${organizationId} order by role, joined_at limit 100`,
			work: ({ admin }) => admin.organizations.get.query({ organizationId })
		}
	];
}

async function planAccounts(db: Db): Promise<Measure[]> {
	const listed = (where: RawBuilder<unknown>) => sql`
		select account.*, (select array_agg(name) from membership join organization on organization.id = organization_id
			where user_id = account.id)
		from account where ${where} order by created_at desc, id desc limit ${sql.lit(pageLength + 1)}`;
	const after = await placeIn(db, 'account', 'created_at');
	return [
		{
			name: 'people, first page',
			floor: listed(sql`true`),
			work: ({ admin }) => admin.accounts.list.query({})
		},
		{
			name: 'people, 100th page',
			floor: listed(afterPlace('created_at', 'id', after)),
			work: ({ admin }) => admin.accounts.list.query({ after })
		},
		{
			name: 'people, status “pending”',
			floor: listed(sql`status = 'pending'`),
			work: ({ admin }) => admin.accounts.list.query({ status: 'pending' })
		},
		...['no 9999', 'nobody is called so'].map((search) => ({
			name: `people, search “${search}”`,
			floor: listed(sql`search_key like ${`%${search}%`}`),
			work: ({ admin }: Visitors) => admin.accounts.list.query({ search })
		}))
	];
}

async function planMessages(db: Db): Promise<Measure[]> {
	const listed = (where: RawBuilder<unknown>) => sql`
		select * from message where ${where} order by created_at desc, id desc limit ${sql.lit(pageLength + 1)}`;
	const after = await placeIn(db, 'message', 'created_at');
	return [
		{
			name: 'e-mails, first page',
			floor: listed(sql`true`),
			work: ({ admin }) => admin.messages.list.query({})
		},
		{
			name: 'e-mails, 100th page',
			floor: listed(afterPlace('created_at', 'id', after)),
			work: ({ admin }) => admin.messages.list.query({ after })
		},
		{
			name: 'e-mails, status “failed”',
			floor: listed(sql`state = 'failed'`),
			work: ({ admin }) => admin.messages.list.query({ state: 'failed' })
		},
		...['company 9999', 'nobody is called so'].map((search) => ({
			name: `e-mails, search “${search}”`,
			floor: listed(sql`search_key like ${`%${search}%`}`),
			work: ({ admin }: Visitors) => admin.messages.list.query({ search })
		})),
		{
			name: 'e-mails that wait or failed, counted',
			floor: sql`select state, count(*), min(created_at) from message where state in ('queued', 'failed') group by state`,
			work: ({ admin }) => admin.messages.count.query({})
		},
		{
			name: 'versions of an e-mail’s text',
			floor: sql`select * from email_template where name = 'member-role-changed' order by version desc limit 31`,
			work: ({ admin }) => admin.emails.get.query({ name: 'member-role-changed' })
		}
	];
}

async function planActivity(db: Db): Promise<Measure[]> {
	const told = (where: RawBuilder<unknown>) => sql`
		select id, organization_id, portal_seq, name, actor, payload, at from event
		where ${where}
		order by at desc, id desc limit ${sql.lit(pageLength + 1)}`;
	const last = await one(
		db,
		sql<{ at: number; id: number }>`select (extract(epoch from at) * 1000000)::bigint as at, id
			from event order by at desc, id desc offset ${far} limit 1`
	);
	const { organizationId, personId, from, to, seq } = await one(
		db,
		sql<{ organizationId: string; personId: string; from: Date; to: Date; seq: number }>`
			select id as organization_id, requested_by as person_id, now() - interval '340 days' as from,
				now() - interval '330 days' as to, (select last_seq from portal) as seq
			from organization where slug = 'company-1'`
	);
	const kind = 'member' as const;
	const time = { from: from.toISOString(), to: to.toISOString() };
	const is = {
		organizationId: sql`organization_id = ${organizationId}`,
		personId: sql`actor->>'id' = ${personId}`,
		kind: sql`split_part(name, '.', 1) = ${kind}`,
		time: sql`at >= ${from} and at < ${to}`
	};
	const activity = (name: string, floor: RawBuilder<unknown>, filter: object): Measure => ({
		name: `activity, ${name}`,
		floor: told(floor),
		work: ({ admin }) => admin.activity.listPortal.query(filter)
	});
	return [
		activity('first page', sql`true`, {}),
		activity(
			'100th page',
			sql`(at, id) < (timestamptz 'epoch' + ${last.at}::double precision * interval '1 microsecond', ${last.id}::bigint)`,
			{ after: last }
		),
		activity('organization', is.organizationId, { organizationId }),
		activity('person', is.personId, { personId }),
		activity('kind', is.kind, { kind }),
		activity('kind that nothing has', sql`split_part(name, '.', 1) = 'settings'`, { kind: 'settings' }),
		activity('ten days, eleven months ago', is.time, time),
		activity('organization, person', both(is.organizationId, is.personId), { organizationId, personId }),
		activity('organization, kind', both(is.organizationId, is.kind), { organizationId, kind }),
		activity('person, kind', both(is.personId, is.kind), { personId, kind }),
		activity('person, ten days', both(is.personId, is.time), { personId, ...time }),
		activity(
			'organization, person, kind, ten days',
			both(both(is.organizationId, is.personId), both(is.kind, is.time)),
			{ organizationId, personId, kind, ...time }
		),
		{
			name: 'activity, what was missed (100)',
			floor: sql`select * from event where portal_seq > ${seq - 100} order by portal_seq limit 501`,
			work: ({ admin }) => admin.activity.sincePortal.query({ after: seq - 100 })
		},
		{
			name: 'changes of settings',
			floor: sql`select * from event where name = 'settings.updated' order by portal_seq desc limit 20`,
			work: ({ admin }) => admin.settings.listChanges.query({})
		},
		{
			name: 'the overview’s figures',
			floor: sql`select count(*) from membership`,
			work: ({ admin }) => admin.figures.get.query({})
		},
		{
			name: 'the overview’s applications in use',
			floor: sql`select credential_id, sum(count) from usage_count where span = 'day' group by credential_id
				order by 2 desc limit 8`,
			work: ({ admin }) => admin.usage.getPortal.query({})
		}
	];
}

export async function planAdminLists(db: Db): Promise<Measure[]> {
	return [
		...(await planOrganizations(db)),
		...(await planAccounts(db)),
		...(await planMessages(db)),
		...(await planActivity(db))
	];
}
