import { sql, type Selectable } from 'kysely';
import { z } from 'zod';
import { recentLength, type PortalSnapshot } from '#lib/apply.ts';
import { rejectionReason } from '#lib/fields.ts';
import { fullName, status, statuses, type Organization, type Status } from '#lib/views.ts';
import type { Db } from '../database.ts';
import { publish } from '../outbox.ts';
import type { Tables } from '../tables.ts';
import { adminProcedure, notFound, Refusal, router } from '../trpc.ts';
import { accountViewOf } from './accounts.ts';
import { listEvents } from './activity.ts';
import { listMembers } from './members.ts';
import {
	getOrganizationView,
	organizationViewOf,
	refusingTaken,
	selectOrganizations,
	type WritingContext
} from './organizations.ts';

/** The portal admins' side of organizations. */

const listLength = 200;

/** The status, the decision and the event of a change from one of `from` to `to`; refused when somebody was faster. */
async function decide(
	ctx: WritingContext & { user: { id: string } },
	id: string,
	from: readonly Status[],
	to: Status,
	values: Partial<Selectable<Tables['organization']>>
): Promise<{ organization: Organization; previousStatus: Status }> {
	const before = await ctx.db
		.selectFrom('organization')
		.select(['name', 'status', 'isPersonal'])
		.where('id', '=', id)
		.where('isPersonal', '=', false)
		.forUpdate()
		.executeTakeFirst();
	if (!before || before.status === 'withdrawn') throw notFound();
	if (!from.includes(before.status)) {
		const { decidedBy, decidedAt, status } = await getOrganizationView(ctx.db, id);
		const who = decidedBy ? ` by ${decidedBy.name}` : '';
		const when = decidedAt ? ` at ${decidedAt.slice(0, 16).replace('T', ' ')} UTC` : '';
		throw new Refusal('CONFLICT', 'DECIDED', `${before.name} is ${status} already${who}${when}.`);
	}
	const writing = ctx.db
		.updateTable('organization')
		.set({ ...values, status: to })
		.where('id', '=', id)
		.execute();
	await refusingTaken(before.name, writing);
	return { organization: await getOrganizationView(ctx.db, id), previousStatus: before.status };
}

const decision = (userId: string) => ({ decidedBy: userId, decidedAt: new Date() });

/** Everybody who has to hear of a change of the organization's own state. */
async function listSuperAdmins(db: Db, organizationId: string) {
	const members = await listMembers(db, organizationId);
	return members
		.filter(({ role }) => role === 'super_admin')
		.map((one) => ({ firstName: one.firstName, to: { name: fullName(one), address: one.email } }));
}

async function tellSuperAdmins(
	ctx: WritingContext,
	organization: Organization,
	name: 'organization-approved' | 'organization-rejected' | 'organization-suspended' | 'organization-restored'
): Promise<void> {
	for (const { firstName, to } of await listSuperAdmins(ctx.db, organization.id)) {
		const props = {
			organizationName: organization.name,
			firstName,
			organizationUrl: `${ctx.config.ORIGIN}/orgs/${organization.slug}`
		};
		if (name === 'organization-rejected') {
			await ctx.outbox.enqueue(ctx.db, to, name, { ...props, reason: organization.rejectionReason ?? '' });
		} else {
			await ctx.outbox.enqueue(ctx.db, to, name, props);
		}
	}
}

async function getPortalSnapshot(db: Db, search: string, filter: Status | null): Promise<PortalSnapshot> {
	const { lastSeq } = await db.selectFrom('portal').select('lastSeq').executeTakeFirstOrThrow();
	const counted = await db
		.selectFrom('organization')
		.select((eb) => ['status', eb.fn.countAll<number>().as('count')])
		.where('isPersonal', '=', false)
		.groupBy('status')
		.execute();
	const wanted = `%${search.trim().replace(/[\\%_]/g, '\\$&')}%`;
	const rows = await selectOrganizations(db)
		.select((eb) => [
			eb
				.selectFrom('membership')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('membership.organizationId', '=', 'organization.id')
				.as('memberCount'),
			eb
				.selectFrom('application')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('application.organizationId', '=', 'organization.id')
				.as('applicationCount')
		])
		.where('organization.isPersonal', '=', false)
		.$if(filter !== null, (query) => query.where('organization.status', '=', filter ?? 'pending'))
		.$if(filter === null, (query) => query.where('organization.status', '!=', 'withdrawn'))
		.$if(search.trim() !== '', (query) =>
			query.where((eb) =>
				eb.or([
					eb('organization.name', 'ilike', wanted),
					eb('requester.email', 'ilike', wanted),
					eb(sql<string>`requester.first_name || ' ' || requester.last_name`, 'ilike', wanted)
				])
			)
		)
		.orderBy('organization.requestedAt', 'desc')
		.orderBy('organization.id')
		.limit(listLength)
		.execute();
	const accounts = await db
		.selectFrom('account')
		.selectAll()
		.orderBy('createdAt', 'desc')
		.limit(listLength)
		.execute();
	return {
		seq: lastSeq,
		search,
		filter,
		counts: {
			...(Object.fromEntries(statuses.map((one) => [one, 0])) as Record<Status, number>),
			...Object.fromEntries(counted.map(({ status, count }) => [status, Number(count)]))
		},
		organizations: rows.map((row) => ({
			...organizationViewOf(row),
			memberCount: Number(row.memberCount),
			applicationCount: Number(row.applicationCount)
		})),
		accounts: accounts.map(accountViewOf),
		recent: await listEvents(db, 'portal', recentLength)
	};
}

export const decisionsRouter = router({
	/** The portal admins' snapshot, with the organizations that match. */
	list: adminProcedure({ search: z.string().max(200).optional(), status: status.optional() }).query(
		({ ctx, input }) => getPortalSnapshot(ctx.db, input.search ?? '', input.status ?? null)
	),

	approve: adminProcedure({ organizationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const values = { ...decision(ctx.user.id), rejectionReason: null };
		const decided = await decide(ctx, input.organizationId, ['pending'], 'approved', values);
		await publish({ ...ctx, organization: decided.organization }, 'organization.approved', decided);
		await tellSuperAdmins(ctx, decided.organization, 'organization-approved');
		return decided.organization;
	}),

	reject: adminProcedure({ organizationId: z.uuid(), reason: rejectionReason.optional() }).mutation(
		async ({ ctx, input }) => {
			const values = { ...decision(ctx.user.id), rejectionReason: input.reason || null };
			const decided = await decide(ctx, input.organizationId, ['pending'], 'rejected', values);
			await publish({ ...ctx, organization: decided.organization }, 'organization.rejected', decided);
			await tellSuperAdmins(ctx, decided.organization, 'organization-rejected');
			return decided.organization;
		}
	),

	suspend: adminProcedure({ organizationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const decided = await decide(ctx, input.organizationId, ['approved'], 'suspended', decision(ctx.user.id));
		await publish({ ...ctx, organization: decided.organization }, 'organization.suspended', decided);
		await tellSuperAdmins(ctx, decided.organization, 'organization-suspended');
		return decided.organization;
	}),

	restore: adminProcedure({ organizationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const decided = await decide(ctx, input.organizationId, ['suspended'], 'approved', decision(ctx.user.id));
		await publish({ ...ctx, organization: decided.organization }, 'organization.restored', decided);
		await tellSuperAdmins(ctx, decided.organization, 'organization-restored');
		return decided.organization;
	})
});
