import { sql } from 'kysely';
import { z } from 'zod';
import type { AccessOffer } from '#lib/accesses.ts';
import { sentence } from '#lib/direction.ts';
import type { Actor } from '#lib/events.ts';
import { accessMessage, applicationName } from '#lib/fields.ts';
import { can } from '#lib/policy.ts';
import { isGranted, type ProductAccess } from '#lib/products.ts';
import { text } from '#lib/schema.ts';
import type { Db } from '../../database/database.ts';
import { anyOf } from '../../database/sets.ts';
import { limit } from '../../api/limits.ts';
import { publish } from '../../news/publish.ts';
import { fieldRefusal, notFound, Refusal } from '../../api/refusals.ts';
import { organizationProcedure, router, system, userProcedure } from '../../api/trpc.ts';
import { isOfferedTo, isRetired, isVisibleTo } from '../products/visibility.ts';
import { planViewOf, selectPlans } from '../products/views.ts';
import { createApplication } from '../applications/applications.ts';
import { dateInDays } from '../credentials/ages.ts';
import { refuseDecided } from './decisions.ts';
import { grantAll } from './granting.ts';
import { tellDeciders, tellEnd } from './telling.ts';
import { accessViewOf, findAccess, getAccess, selectAccesses } from '../products/accesses.ts';

/** What the people of an organization do about its access to products. */

/** How often an organization may ask in a day: the portal admins are written to about each. */
const requestsADay = 100;

const slug = text(100);

/** @throws {Refusal} NOT_FOUND for what the person may not see, in words where the organization can't ask for it. */
async function getOffered(
	ctx: { db: Db; user: { id: string; isPortalAdmin: boolean }; organization: { id: string; name: string } },
	productSlug: string
) {
	const { user, organization } = ctx;
	const viewer = { userId: user.id, isPortalAdmin: user.isPortalAdmin };
	const product = await ctx.db
		.selectFrom('product')
		.select(['product.id', 'product.name'])
		.select([isOfferedTo(organization.id).as('isOffered'), isRetired.as('isRetired')])
		.where('product.slug', '=', productSlug)
		.where((eb) => eb.or([isVisibleTo(viewer), isOfferedTo(organization.id)]))
		.executeTakeFirst();
	if (!product) throw notFound();
	if (product.isOffered) return product;
	throw product.isRetired
		? new Refusal('CONFLICT', 'RETIRED', sentence`${product.name} is retired and takes no new applications.`)
		: new Refusal(
				'CONFLICT',
				'NOT_OFFERED',
				sentence`${product.name} is not offered to ${organization.name}.`
			);
}

const wasProvider = (endedBy: Actor | null | undefined) => endedBy?.kind === 'admin';

/** Whether the provider has ended it for the organization, or has set an end to what the application has. */
async function isEndedByProvider(
	db: Db,
	organizationId: string,
	{ product, granted }: ProductAccess
): Promise<boolean> {
	const bar = await db
		.selectFrom('accessBar')
		.select('productId')
		.where('organizationId', '=', organizationId)
		.where('productId', '=', product.id)
		.executeTakeFirst();
	if (bar) return true;
	if (!granted?.endsAt) return false;
	const row = await db.selectFrom('access').select('endedBy').where('id', '=', granted.id).executeTakeFirst();
	return wasProvider(row?.endedBy);
}

/** The application that a call names, or the one that it makes; `tell` says so where it made one. */
async function findOrCreate(
	ctx: Parameters<typeof createApplication>[0],
	{
		applicationId,
		newApplication
	}: { applicationId?: string | undefined; newApplication?: string | undefined },
	/** For which it is asked for: the first credential of a new one lives no longer than that opens anything. */
	plan: { credentialDays: number }
) {
	if ((applicationId === undefined) === (newApplication === undefined)) {
		throw fieldRefusal('applicationId', 'INVALID', 'Choose an application, or name a new one.');
	}
	if (newApplication !== undefined) {
		const expiresAt = dateInDays(plan.credentialDays);
		return createApplication(ctx, { name: newApplication, expiresAt }, 'newApplication');
	}
	const application = await ctx.db
		.selectFrom('application')
		.select(['id', 'name'])
		.where('id', '=', applicationId ?? '')
		.where('organizationId', '=', ctx.organization.id)
		.executeTakeFirst();
	if (!application) throw notFound();
	return { application, tell: async () => {} };
}

export const accessesRouter = router({
	/** What can be asked for of a product, and where: in the person's organizations that it is offered to. */
	getOffer: userProcedure({ product: slug }).query(async ({ ctx, input }): Promise<AccessOffer> => {
		const { db, user } = ctx;
		const viewer = { userId: user.id, isPortalAdmin: user.isPortalAdmin };
		const product = await db
			.selectFrom('product')
			.select(['product.id', 'product.slug', 'product.name', isRetired.as('isRetired')])
			.where('product.slug', '=', input.product)
			.where(isVisibleTo(viewer))
			.executeTakeFirst();
		if (!product) throw notFound();
		const plans = await selectPlans(db, product.id).where('plan.closedAt', 'is', null).execute();
		const organizations = await db
			.selectFrom('membership')
			.innerJoin('organization', 'organization.id', 'membership.organizationId')
			.innerJoin('product', (join) => join.on('product.id', '=', product.id))
			.select(['organization.id', 'organization.slug', 'organization.name', 'membership.role'])
			.select(['organization.isAccessRestricted', 'organization.isPersonal', 'organization.status'])
			.select('organization.isRevealRestricted')
			.select(isOfferedTo(sql.ref('membership.organizationId')).as('isOffered'))
			.where('membership.userId', '=', user.id)
			.where('organization.status', '=', 'approved')
			.where('organization.isPersonal', '=', false)
			.orderBy('organization.name')
			.execute();
		const ids = anyOf(organizations.map(({ id }) => id));
		const applications = await db
			.selectFrom('application')
			.select(['id', 'name', 'organizationId'])
			.where('organizationId', '=', ids)
			.orderBy('name')
			.execute();
		const pairs = db
			.selectFrom('application')
			.select(['application.id as applicationId', sql<string>`${product.id}::uuid`.as('productId')])
			.where('application.organizationId', '=', ids);
		const rows = await selectAccesses(db, pairs).execute();
		const accesses = new Map(
			rows
				.filter(({ accessId, requestId }) => accessId ?? requestId)
				.map((row) => [row.applicationId, accessViewOf(row)])
		);
		const places = organizations
			.map((organization) => ({
				organization,
				applications: applications
					.filter(({ organizationId }) => organizationId === organization.id)
					.map(({ id, name }) => ({ id, name, access: accesses.get(id) ?? null }))
			}))
			.filter(
				({ organization, applications }) =>
					organization.isOffered || applications.some(({ access }) => access && isGranted(access, Date.now()))
			)
			.map(({ organization: { isOffered, ...one }, applications }) => ({
				organization: {
					id: one.id,
					slug: one.slug,
					name: one.name,
					isOffered: isOffered as boolean,
					canAsk: Boolean(isOffered) && can('accesses.request', { role: one.role, organization: one })
				},
				applications
			}));
		return {
			product: { ...product, isRetired: product.isRetired as boolean },
			plans: plans.map(planViewOf),
			places
		};
	}),

	/**
	 * Asks for access of an application to a product, or for another plan of what it has, which stays as it is until that is
	 * decided. At once where the plan says so.
	 */
	request: organizationProcedure({
		applicationId: z.uuid().optional(),
		/** The name of one that isn't there yet. */
		newApplication: applicationName.optional(),
		product: slug,
		planId: z.uuid(),
		message: accessMessage.default('')
	}).mutation(async ({ ctx, input }) => {
		const { db, organization } = ctx;
		const product = await getOffered(ctx, input.product);
		const plan = await db
			.selectFrom('plan')
			.select(['plan.id', 'plan.name', 'plan.perSecond', 'plan.perMonth'])
			.select(['plan.approval', 'plan.credentialDays', 'plan.closedAt'])
			.where('id', '=', input.planId)
			.where('productId', '=', product.id)
			.executeTakeFirst();
		if (!plan) throw notFound();
		if (plan.closedAt) {
			throw fieldRefusal('planId', 'CLOSED', sentence`The plan ${plan.name} takes no new applications.`);
		}
		const { closedAt: _, ...planHead } = plan;
		const { application, tell } = await findOrCreate(ctx, input, plan);
		const before = await findAccess(db, application.id, product.id);
		if (before?.request?.status === 'pending') {
			const words = sentence`A request of ${application.name} for ${product.name} waits already. Withdraw it to ask for something else.`;
			throw new Refusal('CONFLICT', 'PENDING', words);
		}
		const isHeld = before !== null && isGranted(before, Date.now());
		if (isHeld && before.granted?.plan.id === plan.id) {
			const words = sentence`${application.name} has access to ${product.name} by the plan ${plan.name} already.`;
			throw fieldRefusal('planId', 'SAME', words);
		}
		await limit(db, `access:${organization.id}`, requestsADay, 86_400);
		const { id } = await db
			.insertInto('accessRequest')
			.values({
				organizationId: organization.id,
				applicationId: application.id,
				productId: product.id,
				planId: plan.id,
				askedFor: { product: { slug: input.product, name: product.name }, plan: planHead },
				message: input.message,
				requestedBy: ctx.actor,
				// Not the transaction's time: of several requests the last has to be the last.
				requestedAt: sql<Date>`clock_timestamp()`
			})
			.returning('id')
			.executeTakeFirstOrThrow();
		const asked = await getAccess(db, application.id, product.id);
		// Whom the provider has ended it for, the provider decides about, whatever the plan says.
		if (plan.approval === 'manual' || (await isEndedByProvider(db, organization.id, asked))) {
			await tellDeciders(ctx, organization.name, asked);
			await tell();
			await publish(ctx, 'access.requested', { access: asked });
			return asked;
		}
		await db
			.updateTable('accessRequest')
			.set({ status: 'approved', decidedBy: system, decidedAt: sql<Date>`clock_timestamp()` })
			.where('id', '=', id)
			.execute();
		await grantAll(db, [id]);
		const access = await getAccess(db, application.id, product.id);
		await tell();
		await publish(ctx, 'access.requested', { access: asked });
		await publish({ ...ctx, actor: system }, 'access.approved', { access });
		return access;
	}),

	withdraw: organizationProcedure({ requestId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const { db, organization } = ctx;
		const row = await db
			.selectFrom('accessRequest')
			.select(['id', 'applicationId', 'productId', 'status', 'decidedBy', 'decidedAt'])
			.where('id', '=', input.requestId)
			.where('organizationId', '=', organization.id)
			.executeTakeFirst();
		if (!row) throw notFound();
		refuseDecided(row);
		await db
			.updateTable('accessRequest')
			.set({ status: 'withdrawn', decidedBy: ctx.actor, decidedAt: sql<Date>`clock_timestamp()` })
			.where('id', '=', row.id)
			.where('status', '=', 'pending')
			.execute();
		const access = await getAccess(db, row.applicationId, row.productId);
		await publish(ctx, 'access.withdrawn', { access });
		return access;
	}),

	/** Ends what an application of theirs has, at once. */
	endOwn: organizationProcedure({ accessId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const { db, organization } = ctx;
		const row = await db
			.selectFrom('access')
			.select(['id', 'applicationId', 'productId', 'endsAt', 'endedBy'])
			.where('id', '=', input.accessId)
			.where('organizationId', '=', organization.id)
			.executeTakeFirst();
		if (!row) throw notFound();
		if (row.endsAt && row.endsAt.getTime() <= Date.now()) {
			const words = sentence`${row.endedBy?.name ?? 'Somebody'} has ended this access already.`;
			throw new Refusal('CONFLICT', 'ENDED', words);
		}
		await db
			.updateTable('access')
			.set({
				endsAt: sql<Date>`now()`,
				// Who gives up what the provider was ending doesn't get it back by asking for it.
				...(!wasProvider(row.endedBy) && { endedBy: ctx.actor, endReason: '' })
			})
			.where('id', '=', row.id)
			.execute();
		const access = await getAccess(db, row.applicationId, row.productId);
		await tellEnd(ctx, { organizationId: organization.id, access }, true);
		await publish(ctx, 'access.ended', { access });
		return access;
	})
});
