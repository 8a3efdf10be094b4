import { sql, type Selectable } from 'kysely';
import type { Plan, PlanHead, Product, ProductHead, ProductRow, ProductStatus } from '#lib/products.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import type { Tables } from '../../database/tables.ts';
import { notFound } from '../../api/refusals.ts';
import { isRetired } from './visibility.ts';

/** Products and plans as pages and events show them. */

/** As things are at this moment: one whose announced day has come is retired. */
export const statusNow = sql<ProductStatus>`case when ${isRetired} then 'retired' else product.status end`;

/** What there is to say of its end; empty where it goes on. */
export const retirementKey = sql<string>`case
	when product.status = 'retired' then 'retired'
	when product.retires_at is not null then 'announced ' || extract(epoch from product.retires_at)::text
	else ''
end`;

const shown = [
	'product.id',
	'product.slug',
	'product.name',
	'product.summary',
	'product.visibility'
] as const;

/** What a list shows; see {@link rowViewOf}. */
export const selectRows = (db: Db) =>
	db
		.selectFrom('product')
		.select([...shown, 'product.retiresAt', statusNow.as('status')])
		.select((eb) =>
			eb
				.selectFrom('plan')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('plan.productId', '=', 'product.id')
				.where('plan.closedAt', 'is', null)
				.as('planCount')
		);

type Row = Awaited<ReturnType<ReturnType<typeof selectRows>['executeTakeFirstOrThrow']>>;

export const rowViewOf = ({ retiresAt, planCount, ...row }: Row): ProductRow => ({
	...row,
	retiresAt: isoOf(retiresAt),
	planCount: Number(planCount)
});

/** A product without its plans; see {@link productViewOf}. */
export const selectProducts = (db: Db) =>
	db
		.selectFrom('product')
		.select([...shown, 'product.description', 'product.contact', 'product.publishedAt', 'product.retiresAt'])
		.select([
			statusNow.as('status'),
			sql<Date | null>`coalesce(
				product.retired_at, case when product.retires_at <= now() then product.retires_at end
			)`.as('retiredAt')
		]);

type ProductFound = Awaited<ReturnType<ReturnType<typeof selectProducts>['executeTakeFirstOrThrow']>>;
type PlanFound = Selectable<Tables['plan']>;

export const planViewOf = (row: PlanFound): Plan => ({
	...planHeadOf(row),
	text: row.text,
	position: row.position,
	closedAt: isoOf(row.closedAt)
});

export function productViewOf(row: ProductFound, plans: readonly PlanFound[]): Product {
	const { publishedAt, retiresAt, retiredAt, ...rest } = row;
	return {
		...rest,
		publishedAt: isoOf(publishedAt),
		retiresAt: isoOf(retiresAt),
		retiredAt: isoOf(retiredAt),
		plans: plans.map(planViewOf)
	};
}

/** What an event says of a product. */
export const productHeadOf = ({ id, slug, name }: ProductHead): ProductHead => ({ id, slug, name });

/** What an event says of a plan. */
export const planHeadOf = (plan: PlanHead): PlanHead => ({
	id: plan.id,
	name: plan.name,
	perSecond: plan.perSecond,
	perMonth: plan.perMonth,
	approval: plan.approval,
	credentialDays: plan.credentialDays
});

/** In the order in which they are shown. */
export const selectPlans = (db: Db, productId: string) =>
	db
		.selectFrom('plan')
		.selectAll('plan')
		.where('plan.productId', '=', productId)
		.orderBy('plan.position')
		.orderBy('plan.createdAt')
		.orderBy('plan.id');

/**
 * Holds the product, and with it its plans, until the commit: every change of either begins here. Who refers to them
 * meanwhile, such as a request for access, doesn't wait.
 * @throws {Refusal} NOT_FOUND.
 */
export async function lockProduct(db: Trx, id: string) {
	const row = await db
		.selectFrom('product')
		.selectAll('product')
		.select(statusNow.as('statusNow'))
		.where('product.id', '=', id)
		.forNoKeyUpdate()
		.executeTakeFirst();
	if (!row) throw notFound();
	return row;
}

/** As {@link lockProduct}, by one of its plans. */
export async function lockPlan(db: Trx, id: string) {
	const found = await db.selectFrom('plan').select('productId').where('id', '=', id).executeTakeFirst();
	if (!found) throw notFound();
	const product = await lockProduct(db, found.productId);
	const plan = await db
		.selectFrom('plan')
		.selectAll()
		.where('id', '=', id)
		.forNoKeyUpdate()
		.executeTakeFirst();
	if (!plan) throw notFound();
	return { product, plan };
}
