import { sql } from 'kysely';
import { z } from 'zod';
import type { PortalSnapshot } from '#lib/apply-portal.ts';
import { searchText } from '#lib/fields.ts';
import { searchKey } from '#lib/search.ts';
import {
	cursor,
	fullName,
	nameCursor,
	organizationOrder,
	status,
	statuses,
	type AdminOrganization,
	type Cursor,
	type OrganizationOrder,
	type Status
} from '#lib/views.ts';
import { recentLength } from '#lib/wire.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { holding, takePage, type Order } from '../../database/paging.ts';
import { fieldRefusal, notFound } from '../../api/refusals.ts';
import { adminProcedure, ofOneMoment, router } from '../../api/trpc.ts';
import { listEventsOfPortal, listLatest } from '../activity/activity.ts';
import { listInvitations } from '../../people/invitations.ts';
import { listMembers } from '../../people/members.ts';
import { searchMembers } from '../members/roster.ts';
import { organizationViewOf, selectOrganizations } from './organizations.ts';

/** What the portal admins see of organizations: their list and the page of one. Never a secret. */

const pageLength = 50;

interface Query {
	search: string;
	filter: Status | null;
	order: OrganizationOrder;
}

const byId = { id: 'organization.id', idType: 'uuid' } as const;
const orders: Record<OrganizationOrder, Order> = {
	newest: { ...byId, column: 'organization.requestedAt', direction: 'desc', form: 'moment' },
	oldest: { ...byId, column: 'organization.requestedAt', direction: 'asc', form: 'moment' },
	name: { ...byId, column: 'organization.nameKey', direction: 'asc', form: 'text' }
};

const selectCounted = (db: Db) =>
	selectOrganizations(db)
		.select((eb) => [
			eb
				.selectFrom('membership')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('membership.organizationId', '=', 'organization.id')
				// One look at the account of each: a join reads all accounts where the planner knows too little.
				.where((member) =>
					member(
						member
							.selectFrom('account')
							.select('account.status')
							.whereRef('account.id', '=', 'membership.userId'),
						'=',
						'active'
					)
				)
				.as('memberCount'),
			// Not `exists`, for which the planner reads the members of all organizations at once.
			eb.fn
				.coalesce(
					eb
						.selectFrom('membership')
						.innerJoin('account', 'account.id', 'membership.userId')
						.select(sql<boolean>`true`.as('isThere'))
						.whereRef('membership.organizationId', '=', 'organization.id')
						.where('membership.role', '=', 'super_admin')
						.where('account.status', '=', 'active')
						.limit(1),
					sql<boolean>`false`
				)
				.as('hasSuperAdmin'),
			eb
				.selectFrom('application')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('application.organizationId', '=', 'organization.id')
				.as('applicationCount')
		])
		.where('organization.isPersonal', '=', false);

type Row = Awaited<ReturnType<ReturnType<typeof selectCounted>['executeTakeFirstOrThrow']>>;

const viewOf = (row: Row): AdminOrganization => ({
	...organizationViewOf(row),
	memberCount: Number(row.memberCount),
	applicationCount: Number(row.applicationCount),
	hasSuperAdmin: Boolean(row.hasSuperAdmin)
});

/** One page of the list. */
async function listPage(
	db: Db,
	{ search, filter, order }: Query,
	after: Cursor | null
): Promise<{ organizations: AdminOrganization[]; next: Cursor | null }> {
	const wanted = searchKey(search);
	const fitting = selectCounted(db)
		.$if(filter !== null, (query) => query.where('organization.status', '=', filter ?? 'pending'))
		.$if(filter === null, (query) => query.where('organization.status', '!=', 'withdrawn'))
		.$if(wanted !== '', (query) =>
			query.where((eb) =>
				eb.or([
					eb('organization.searchKey', 'like', holding(wanted)),
					eb('requester.searchKey', 'like', holding(wanted))
				])
			)
		);
	const { rows, next } = await takePage(fitting, orders[order], after, pageLength);
	return { organizations: rows.map(viewOf), next };
}

const getSeq = async (db: Db) =>
	(await db.selectFrom('portal').select('lastSeq').executeTakeFirstOrThrow()).lastSeq;

async function countByStatus(db: Db): Promise<Record<Status, number>> {
	const counted = await db
		.selectFrom('organization')
		.select((eb) => ['status', eb.fn.countAll<number>().as('count')])
		.where('isPersonal', '=', false)
		.groupBy('status')
		.execute();
	const none = Object.fromEntries(statuses.map((one) => [one, 0])) as Record<Status, number>;
	return { ...none, ...Object.fromEntries(counted.map(({ status, count }) => [status, Number(count)])) };
}

/** Addresses that say nothing of the company: shared by everybody who has none of their own. */
const publicDomains = new Set(
	'gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.com gmx.net gmx.de web.de proton.me protonmail.com mail.com zoho.com yandex.com qq.com 163.com'.split(
		' '
	)
);

/** Other organizations that may be the same company: nearly the same name, or people at the requester's domain. */
async function listHints(db: Db, row: Row) {
	const others = db
		.selectFrom('organization')
		.select(['organization.id', 'organization.name', 'organization.status'])
		.where('organization.isPersonal', '=', false)
		.where('organization.id', '!=', row.id)
		.where('organization.status', '!=', 'withdrawn')
		.limit(5);
	const similar = await others.where('organization.nearKey', '=', row.nearKey).execute();
	const domain = row.requesterEmail?.split('@')[1];
	const sameDomain =
		!domain || publicDomains.has(domain)
			? []
			: await others
					.where((eb) =>
						eb.exists(
							eb
								.selectFrom('account')
								.innerJoin('membership', 'membership.userId', 'account.id')
								.select('membership.id')
								.whereRef('membership.organizationId', '=', 'organization.id')
								.where(sql`split_part(account.email, '@', 2)`, '=', domain)
						)
					)
					.execute();
	return { similar, sameDomain, domain: domain ?? null };
}

/** Open invitations to become Super admin that somebody of the portal's team has sent. */
async function listOffers(db: Db, organizationId: string) {
	const open = await listInvitations(db, organizationId);
	const members = new Set((await listMembers(db, organizationId)).map(({ userId }) => userId));
	return open
		.filter(({ role, invitedBy }) => role === 'super_admin' && !members.has(invitedBy.id))
		.map(({ id, email, sentAt, expiresAt }) => ({
			id,
			email,
			sentAt,
			isExpired: Date.parse(expiresAt) <= Date.now()
		}));
}

async function listApplicationNames(db: Db, organizationId: string) {
	const rows = await db
		.selectFrom('application')
		.select((eb) => [
			'application.id',
			'application.name',
			'application.createdAt',
			eb
				.selectFrom('credential')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('credential.applicationId', '=', 'application.id')
				.where('credential.revokedAt', 'is', null)
				.where((and) =>
					and.or([and('credential.expiresAt', 'is', null), and('credential.expiresAt', '>', new Date())])
				)
				.as('credentialCount')
		])
		.where('application.organizationId', '=', organizationId)
		.orderBy('application.createdAt', 'desc')
		.execute();
	return rows.map(({ createdAt, credentialCount, ...row }) => ({
		...row,
		createdAt: isoOf(createdAt),
		credentialCount: Number(credentialCount)
	}));
}

const query = {
	search: searchText.default(''),
	status: status.nullable().default(null),
	order: organizationOrder.default('newest')
};

export const organizationAdministrationRouter = router({
	/** The portal admins' snapshot, with the first organizations that match. */
	list: adminProcedure(query)
		.use(ofOneMoment)
		.query(async ({ ctx: { db }, input }): Promise<PortalSnapshot> => {
			const { search, status: filter, order } = input;
			const waiting = await db
				.selectFrom('account')
				.select((eb) => eb.fn.countAll<number>().as('count'))
				.where('status', '=', 'pending')
				.executeTakeFirstOrThrow();
			const asked = await db
				.selectFrom('accessRequest')
				.select((eb) => eb.fn.countAll<number>().as('count'))
				.where('status', '=', 'pending')
				.executeTakeFirstOrThrow();
			return {
				seq: await getSeq(db),
				search,
				filter,
				order,
				later: {},
				...(await listPage(db, { search, filter, order }, null)),
				counts: await countByStatus(db),
				waiting: Number(waiting.count),
				accessRequests: Number(asked.count),
				recent: await listEventsOfPortal(db, recentLength)
			};
		}),

	/** The organizations after a row of the same list. */
	listMore: adminProcedure({ ...query, after: nameCursor })
		.use(ofOneMoment)
		.query(async ({ ctx: { db }, input }) => {
			const { search, status: filter, order, after } = input;
			if (order !== 'name' && !cursor.safeParse(after).success) {
				throw fieldRefusal('after', 'INVALID', 'This is no place in the list.');
			}
			return { seq: await getSeq(db), ...(await listPage(db, { search, filter, order }, after)) };
		}),

	/**
	 * The page of one organization: who asked, who belongs to it, what it holds, and what it may be the same as. Of its members
	 * the first so many that fit the search, those who govern it before the others; `found` is how many fit.
	 */
	get: adminProcedure({ organizationId: z.uuid(), search: searchText.default('') })
		.use(ofOneMoment)
		.query(async ({ ctx: { db }, input }) => {
			const row = await selectCounted(db)
				.where('organization.id', '=', input.organizationId)
				.executeTakeFirst();
			if (!row) throw notFound();
			const { members, found } = await searchMembers(db, row.id, input.search);
			return {
				organization: viewOf(row),
				members: members.map((one) => ({ ...one, name: fullName(one) })),
				found,
				applications: await listApplicationNames(db, row.id),
				offers: await listOffers(db, row.id),
				hints: await listHints(db, row),
				activity: await listLatest(db, row.id, 100)
			};
		})
});
