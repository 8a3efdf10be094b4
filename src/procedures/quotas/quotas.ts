import { sql } from 'kysely';
import { z } from 'zod';
import { wholeNumber } from '#lib/fields.ts';
import { percentOf, quotaKeys, quotasOf, type OwnQuotas, type QuotaKey } from '#lib/quotas.ts';
import { settingRows } from '#lib/settings.ts';
import { notFound } from '../../api/refusals.ts';
import { adminProcedure, organizationProcedure, router } from '../../api/trpc.ts';
import type { Db } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import { getApplication, headOf } from '../applications/applications.ts';
import { getOrganizationView } from '../organizations/organizations.ts';
import { getSettings } from '../settings/settings.ts';
import { listTaken, thisMonth } from './shares.ts';

const most = (key: QuotaKey) => {
	const { noun, min, max } = settingRows[key];
	return wholeNumber(noun, min, max).optional();
};
/** What differs: what is absent is as above it. */
const own = {
	credentialPerSecond: most('credentialPerSecond'),
	credentialPerMonth: most('credentialPerMonth'),
	applicationPerSecond: most('applicationPerSecond'),
	applicationPerMonth: most('applicationPerMonth')
};

const isOver = (column: 'credential.expiresAt' | 'access.endsAt') =>
	sql<boolean>`coalesce(${sql.ref(column)} <= now(), false)`;

/** The credentials of this organization that work. */
const selectWorking = (db: Db, organizationId: string) =>
	db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.select(['credential.id', 'credential.applicationId'])
		.where('application.organizationId', '=', organizationId)
		.where('credential.revokedAt', 'is', null)
		.where(isOver('credential.expiresAt'), '=', false);

/** What its applications have or had of API products, and how often each was called in this month. */
const selectUses = (db: Db, organizationId: string) =>
	db
		.selectFrom('access')
		.innerJoin('plan', 'plan.id', 'access.planId')
		.leftJoin('accessUse', (join) =>
			join.onRef('accessUse.accessId', '=', 'access.id').on('accessUse.beganAt', '=', thisMonth)
		)
		.select(['access.id', 'access.applicationId', 'plan.perMonth', 'accessUse.count'])
		.select(isOver('access.endsAt').as('isOver'))
		.where('access.organizationId', '=', organizationId);

const selectLimited = (db: Db, organizationId: string) =>
	db
		.selectFrom('application')
		.select(['id', 'name', 'quotas'])
		.where('organizationId', '=', organizationId)
		.orderBy('createdAt', 'desc');

const isSame = (one: OwnQuotas, other: OwnQuotas) => quotaKeys.every((key) => one[key] === other[key]);

export const quotasRouter = router({
	/** What holds for everybody, and in what this organization and its applications differ. */
	get: adminProcedure({ organizationId: z.uuid() }).query(async ({ ctx, input: { organizationId } }) => {
		const [settings, organization, applications] = await Promise.all([
			getSettings(ctx.db),
			ctx.db
				.selectFrom('organization')
				.select('quotas')
				.where('id', '=', organizationId)
				.where('isPersonal', '=', false)
				.executeTakeFirst(),
			selectLimited(ctx.db, organizationId).execute()
		]);
		if (!organization) throw notFound();
		return { settings: quotasOf(settings), own: organization.quotas, applications };
	}),

	/** Has these hold instead of the portal's, in all applications of the organization. */
	setOfOrganization: adminProcedure({ organizationId: z.uuid(), ...own }).mutation(
		async ({ ctx, input: { organizationId, ...quotas } }) => {
			const before = await ctx.db
				.selectFrom('organization')
				.select('quotas')
				.where('id', '=', organizationId)
				.where('isPersonal', '=', false)
				.forUpdate()
				.executeTakeFirst();
			if (!before) throw notFound();
			if (isSame(before.quotas, quotas)) return quotas;
			await ctx.db
				.updateTable('organization')
				.set({ quotas: JSON.stringify(quotas) })
				.where('id', '=', organizationId)
				.execute();
			const organization = await getOrganizationView(ctx.db, organizationId);
			await publish({ ...ctx, organization }, 'organization.limited', { organization, quotas });
			return quotas;
		}
	),

	/** Has these hold instead of the organization's. */
	setOfApplication: adminProcedure({
		organizationId: z.uuid(),
		applicationId: z.uuid(),
		...own
	}).mutation(async ({ ctx, input: { organizationId, applicationId, ...quotas } }) => {
		const organization = await ctx.db
			.selectFrom('organization')
			.select(['id', 'isPersonal'])
			.where('id', '=', organizationId)
			.where('isPersonal', '=', false)
			.forUpdate()
			.executeTakeFirst();
		if (!organization) throw notFound();
		const before = await ctx.db
			.selectFrom('application')
			.select('quotas')
			.where('id', '=', applicationId)
			.where('organizationId', '=', organizationId)
			.executeTakeFirst();
		if (!before) throw notFound();
		if (isSame(before.quotas, quotas)) return quotas;
		await ctx.db
			.updateTable('application')
			.set({ quotas: JSON.stringify(quotas) })
			.where('id', '=', applicationId)
			.execute();
		const application = headOf(await getApplication(ctx.db, organizationId, applicationId));
		await publish({ ...ctx, organization }, 'application.limited', { application, quotas });
		return quotas;
	}),

	/** Which limits hold for the organization's applications, and how much of this month each has used. */
	list: organizationProcedure({}).query(async ({ ctx }) => {
		const { id } = ctx.organization;
		const [settings, organization, applications, working, accesses] = await Promise.all([
			getSettings(ctx.db),
			ctx.db.selectFrom('organization').select('quotas').where('id', '=', id).executeTakeFirst(),
			selectLimited(ctx.db, id).execute(),
			selectWorking(ctx.db, id).execute(),
			selectUses(ctx.db, id).execute()
		]);
		const held = applications.map((one) => ({
			id: one.id,
			quotas: quotasOf(settings, organization?.quotas ?? {}, one.quotas)
		}));
		const quotasBy = new Map(held.map((one) => [one.id, one.quotas]));
		const limits = [
			...held.map((one) => ({ subject: one.id, of: one.id, most: one.quotas.applicationPerMonth })),
			...working.map((one) => ({
				subject: one.id,
				of: one.applicationId,
				most: quotasBy.get(one.applicationId)?.credentialPerMonth ?? 0
			})),
			...accesses.flatMap((one) =>
				one.isOver ? [] : { subject: one.id, of: one.applicationId, most: one.perMonth }
			)
		].filter(({ most }) => most > 0);
		const taken = await listTaken(
			ctx.db,
			limits.map(({ subject }) => subject)
		);
		const used = Map.groupBy(
			limits.filter(({ subject }) => (taken.get(subject) ?? 0) > 0),
			(one) => one.of
		);
		const opened = Object.fromEntries(
			accesses.flatMap((one) => (one.count === null ? [] : [[one.id, one.count]]))
		);
		return {
			applications: held.map((one) => ({
				...one,
				/** The most that is used of one of its limits of this month; null where none is touched. */
				percent: (used.get(one.id) ?? []).reduce<number | null>(
					(percent, { subject, most }) => Math.max(percent ?? 0, percentOf(taken.get(subject) ?? 0, most)),
					null
				)
			})),
			/** Requests of this month, by application, by credential and by access, where there is a limit, also from before it. */
			taken: { ...opened, ...Object.fromEntries(taken) },
			/** The same by access, of each API product; none where none was made. */
			opened
		};
	})
});
