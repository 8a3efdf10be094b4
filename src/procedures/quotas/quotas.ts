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
import { thisMonth } from './shares.ts';

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

/** How much of this month is given out, of this organization's applications, their credentials that work and their plans. */
const selectTaken = (db: Db, organizationId: string) =>
	db
		.selectFrom('application')
		.leftJoin('credential', (join) =>
			join
				.onRef('credential.applicationId', '=', 'application.id')
				.on('credential.revokedAt', 'is', null)
				.on((eb) =>
					eb.or([eb('credential.expiresAt', 'is', null), eb('credential.expiresAt', '>', sql<Date>`now()`)])
				)
		)
		.leftJoin('access', (join) =>
			join
				.onRef('access.applicationId', '=', 'application.id')
				.on((eb) => eb.or([eb('access.endsAt', 'is', null), eb('access.endsAt', '>', sql<Date>`now()`)]))
		)
		.leftJoin('plan', 'plan.id', 'access.planId')
		.innerJoin('quotaMonth', (join) =>
			join.on((eb) =>
				eb('quotaMonth.subject', 'in', [
					eb.ref('application.id'),
					eb.ref('credential.id'),
					eb.ref('access.id')
				])
			)
		)
		.select(['application.id as applicationId', 'quotaMonth.subject', 'quotaMonth.taken'])
		// Of a plan's; of any other the settings hold it.
		.select(
			sql<number | null>`case when quota_month.subject = access.id then plan.per_month end`.as('planMost')
		)
		.distinct()
		.where('application.organizationId', '=', organizationId)
		.where('quotaMonth.beganAt', '=', thisMonth);

/** How often each API product was called in this month, by the accesses of this organization. */
const selectOpened = (db: Db, organizationId: string) =>
	db
		.selectFrom('access')
		.innerJoin('accessUse', 'accessUse.accessId', 'access.id')
		.select(['accessUse.accessId', 'accessUse.count'])
		.where('access.organizationId', '=', organizationId)
		.where('accessUse.beganAt', '=', thisMonth);

const selectApplications = (db: Db, organizationId: string) =>
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
			selectApplications(ctx.db, organizationId).execute()
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
		const [settings, organization, applications, months, opened] = await Promise.all([
			getSettings(ctx.db),
			ctx.db.selectFrom('organization').select('quotas').where('id', '=', id).executeTakeFirst(),
			selectApplications(ctx.db, id).execute(),
			selectTaken(ctx.db, id).execute(),
			selectOpened(ctx.db, id).execute()
		]);
		const counts = Object.fromEntries(opened.map(({ accessId, count }) => [accessId, count]));
		const rows = Map.groupBy(months, (one) => one.applicationId);
		return {
			applications: applications.map((one) => {
				const quotas = quotasOf(settings, organization?.quotas ?? {}, one.quotas);
				const shares = (rows.get(one.id) ?? []).flatMap(({ subject, taken, planMost }) => {
					const own = subject === one.id ? quotas.applicationPerMonth : quotas.credentialPerMonth;
					const most = planMost ?? own;
					return most > 0 ? percentOf(taken, most) : [];
				});
				return {
					id: one.id,
					quotas,
					/** The most that is used of one of its limits of this month; null where none is touched. */
					percent: shares.length > 0 ? Math.max(...shares) : null
				};
			}),
			/** Requests of this month, by application, by credential and by access, also from before it had a limit. */
			taken: {
				...counts,
				...Object.fromEntries(
					months.map(({ subject, taken }) => [subject, Math.max(taken, counts[subject] ?? 0)])
				)
			},
			/** The same by access, of each API product; none where none was made. */
			opened: counts
		};
	})
});
