import { sql } from 'kysely';
import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import { plansAtMost } from '#lib/limits.ts';
import { sayNumber } from '#lib/numbers.ts';
import { planInput } from '#lib/product-input.ts';
import { approvalLabels, type Approval, type Plan } from '#lib/products.ts';
import { onceOver } from '../../database/transaction.ts';
import type { Trx } from '../../database/database.ts';
import { fieldRefusal, notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { refuseUnseen, seenIn } from '../../api/seen.ts';
import { adminProcedure, router } from '../../api/trpc.ts';
import { publishProduct, tellTeamsSoon } from '../products/news.ts';
import {
	lockPlan,
	lockProduct,
	planHeadOf,
	planViewOf,
	productHeadOf,
	selectPlans
} from '../products/views.ts';

/** By what organizations get a product: limits, how access is approved, how old a credential may be. */

const taken = () => ({
	plan_seen_name: fieldRefusal('name', 'TAKEN', 'This API product has a plan of this name already.')
});

async function getPlan(db: Trx, id: string): Promise<Plan> {
	const row = await db.selectFrom('plan').selectAll().where('id', '=', id).executeTakeFirst();
	if (!row) throw notFound();
	return planViewOf(row);
}

const fields = Object.keys(planInput) as (keyof typeof planInput)[];
const limits = ['perSecond', 'perMonth'] as const;

const sayMost = (most: number) => (most === 0 ? 'any number' : sayNumber(most));
const says = {
	perSecond: sayMost,
	perMonth: sayMost,
	approval: (one: Approval) => sentence`“${approvalLabels[one]}”`,
	credentialDays: (days: number) => (days === 0 ? 'any age' : sayNumber(days))
};

const plan = { planId: z.uuid() };

export const plansRouter = router({
	/** Behind those that there are. */
	create: adminProcedure({ productId: z.uuid(), ...planInput }).mutation(async ({ ctx, input }) => {
		const product = await lockProduct(ctx.db, input.productId);
		const plans = await selectPlans(ctx.db, product.id).execute();
		if (plans.length >= plansAtMost)
			throw new Refusal(
				'CONFLICT',
				'TOO_MANY',
				`This API product has ${plansAtMost} plans already. Delete one that nobody uses.`
			);
		const position = (plans.at(-1)?.position ?? -1) + 1;
		const writing = ctx.db
			.insertInto('plan')
			.values({ ...input, position })
			.returningAll()
			.executeTakeFirstOrThrow();
		const made = planViewOf(await refusingTaken(writing, taken()));
		await publishProduct(ctx, 'plan.created', {
			product: productHeadOf(product),
			plan: planHeadOf(made)
		});
		return made;
	}),

	/** What is given, in force with the commit. The teams that have access by it are told of other limits and ages afterwards: telling.ts. */
	update: adminProcedure({
		...plan,
		...z.strictObject(planInput).partial().shape,
		seen: seenIn(planInput)
	}).mutation(async ({ ctx, input }) => {
		const { planId, seen, ...given } = input;
		const { product, plan: before } = await lockPlan(ctx.db, planId);
		refuseUnseen(before, given, seen, { says });
		const values = Object.fromEntries(fields.map((field) => [field, given[field] ?? before[field]])) as Pick<
			typeof before,
			(typeof fields)[number]
		>;
		if (fields.every((field) => values[field] === before[field])) return planViewOf(before);
		const isLimited = limits.some((field) => values[field] !== before[field]);
		const isAged = values.credentialDays !== before.credentialDays;
		const writing = ctx.db
			.updateTable('plan')
			.set(values)
			.$if(isLimited, (query) => query.set({ limitsChangedAt: sql<Date>`clock_timestamp()` }))
			.$if(isAged, (query) => query.set({ agesChangedAt: sql<Date>`clock_timestamp()` }))
			.$if(isLimited || isAged, (query) =>
				query.set({ changedBy: JSON.stringify(ctx.actor), isTelling: true })
			)
			.where('id', '=', planId)
			.execute();
		await refusingTaken(writing, taken());
		await publishProduct(ctx, 'plan.updated', {
			product: productHeadOf(product),
			plan: planHeadOf({ ...values, id: planId }),
			previous: planHeadOf(before)
		});
		if (isLimited || isAged) onceOver(ctx.db, tellTeamsSoon);
		return getPlan(ctx.db, planId);
	}),

	/** All of a product's plans, in the order in which they are shown from now on. */
	reorder: adminProcedure({ productId: z.uuid(), planIds: z.array(z.uuid()).max(plansAtMost) }).mutation(
		async ({ ctx, input: { productId, planIds } }) => {
			const product = await lockProduct(ctx.db, productId);
			const before = (await selectPlans(ctx.db, productId).execute()).map(({ id }) => id);
			if (before.length !== planIds.length || before.some((id) => !planIds.includes(id)))
				throw new Refusal('CONFLICT', 'CHANGED', 'The plans have changed meanwhile. Look at them again.');
			if (before.some((id, index) => planIds[index] !== id)) {
				await sql`
					update plan set position = wanted.position
					from jsonb_array_elements_text(${JSON.stringify(planIds)}::text::jsonb)
						with ordinality as wanted (id, position)
					where plan.id = wanted.id::uuid and plan.product_id = ${productId}::uuid`.execute(ctx.db);
				await publishProduct(ctx, 'product.updated', {
					product: productHeadOf(product),
					changed: ['the order of the plans']
				});
			}
			return { planIds };
		}
	),

	/** Nobody new gets it; whoever has it keeps it. */
	close: adminProcedure(plan).mutation(async ({ ctx, input }) => {
		const { product, plan: before } = await lockPlan(ctx.db, input.planId);
		if (before.closedAt) return planViewOf(before);
		await ctx.db.updateTable('plan').set({ closedAt: new Date() }).where('id', '=', before.id).execute();
		await publishProduct(ctx, 'plan.closed', {
			product: productHeadOf(product),
			plan: planHeadOf(before)
		});
		return getPlan(ctx.db, before.id);
	}),

	reopen: adminProcedure(plan).mutation(async ({ ctx, input }) => {
		const { product, plan: before } = await lockPlan(ctx.db, input.planId);
		if (!before.closedAt) return planViewOf(before);
		await ctx.db.updateTable('plan').set({ closedAt: null }).where('id', '=', before.id).execute();
		await publishProduct(ctx, 'plan.opened', {
			product: productHeadOf(product),
			plan: planHeadOf(before)
		});
		return getPlan(ctx.db, before.id);
	}),

	/** One by which nobody has or had access, or has asked for it: what happened is not to lose what it happened with. */
	delete: adminProcedure(plan).mutation(async ({ ctx, input }) => {
		const { product, plan: before } = await lockPlan(ctx.db, input.planId);
		const { rows } = await sql`
			select from access where plan_id = ${before.id}::uuid
			union all
			select from access_request where plan_id = ${before.id}::uuid
			limit 1`.execute(ctx.db);
		if (rows.length > 0)
			throw new Refusal(
				'CONFLICT',
				'USED',
				'This plan is used, or was. Close it to new applications instead.'
			);
		await ctx.db.deleteFrom('plan').where('id', '=', before.id).execute();
		await publishProduct(ctx, 'plan.deleted', {
			product: productHeadOf(product),
			plan: planHeadOf(before)
		});
		return { id: before.id };
	})
});
