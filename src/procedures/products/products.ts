import { sql, type SqlBool } from 'kysely';
import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import type { Actor } from '#lib/events.ts';
import { searchText } from '#lib/fields.ts';
import { productInput } from '#lib/product-input.ts';
import {
	productStatuses,
	visibilityLabels,
	type AdminProduct,
	type ProductRow,
	type Visibility
} from '#lib/products.ts';
import { moment } from '#lib/schema.ts';
import { searchKey } from '#lib/search.ts';
import { cursor, type Cursor } from '#lib/views.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { onceOver } from '../../database/transaction.ts';
import { holding, newestFirst, takePage } from '../../database/paging.ts';
import { fieldRefusal, notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { refuseUnseen, seenIn } from '../../api/seen.ts';
import { adminProcedure, ofOneMoment, router, type Context } from '../../api/trpc.ts';
import { renderMarkdown } from './markdown.ts';
import { publishProduct, tellTeamsSoon } from './news.ts';
import { isAccessInForce, isRetired } from './visibility.ts';
import {
	lockProduct,
	planViewOf,
	productHeadOf,
	productViewOf,
	rowViewOf,
	selectPlans,
	selectProducts,
	selectRows
} from './views.ts';

/** What the provider offers, as its portal's admins look after it. Who sees what of it: catalogue.ts. */

const pageLength = 50;

/** What the words of an event call each field. */
const fieldNames: Record<keyof typeof productInput, string> = {
	name: 'the name',
	slug: 'the address',
	summary: 'the line',
	description: 'the description',
	contact: 'the contact',
	visibility: 'who sees it'
};
const fields = Object.keys(fieldNames) as (keyof typeof productInput)[];

type Asked = { db: Db; config: Context['config'] };

/** @throws {Refusal} NOT_FOUND. */
async function getProduct({ db, config }: Asked, id: string): Promise<AdminProduct> {
	const row = await selectProducts(db)
		.select(['product.createdBy', 'product.createdAt'])
		.select((eb) => [
			eb
				.selectFrom('productOrganization')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('productOrganization.productId', '=', 'product.id')
				.as('organizationCount'),
			eb
				.selectFrom('access')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.whereRef('access.productId', '=', 'product.id')
				.where(isAccessInForce)
				.as('accessCount')
		])
		.where('product.id', '=', id)
		.executeTakeFirst();
	if (!row) throw notFound();
	const { createdBy, createdAt, organizationCount, accessCount, ...rest } = row;
	const plans = await selectPlans(db, id)
		.select(
			sql<boolean>`exists (select from access where access.plan_id = plan.id)
				or exists (select from access_request where access_request.plan_id = plan.id)`.as('isUsed')
		)
		.execute();
	const gateways = await db
		.selectFrom('gateway')
		.select(['gateway.id', 'gateway.name'])
		.select(
			sql<boolean>`exists (
				select from gateway_product where gateway_id = gateway.id and product_id = ${id}::uuid
			)`.as('isServing')
		)
		.where('gateway.revokedAt', 'is', null)
		.$if(!config.GATEWAY_TOKEN, (query) => query.where('gateway.isEnvironment', '=', false))
		.orderBy('gateway.createdAt', 'desc')
		.orderBy('gateway.id')
		.execute();
	return {
		...productViewOf(rest, []),
		plans: plans.map((plan) => ({ ...planViewOf(plan), isUsed: plan.isUsed })),
		createdBy: { name: createdBy.name },
		createdAt: isoOf(createdAt),
		gateways,
		organizationCount: Number(organizationCount),
		accessCount: Number(accessCount)
	};
}

/** Has the teams told of what is written with this, once it is committed. */
function tellingBy({ db, actor }: { db: Trx; actor: Actor }) {
	onceOver(db, tellTeamsSoon);
	return { isTelling: true, changedBy: JSON.stringify(actor) };
}

const taken = () => ({
	product_seen_name: fieldRefusal('name', 'TAKEN', 'There is an API product of this name already.'),
	product_slug_key: fieldRefusal('slug', 'TAKEN', 'There is an API product with this address already.')
});

const product = { productId: z.uuid() };

const refuseStatus = (words: string) => new Refusal('CONFLICT', 'STATUS', words);

export const productsRouter = router({
	/** The newest first. */
	list: adminProcedure({
		search: searchText.default(''),
		status: z.enum(productStatuses).nullable().default(null),
		after: cursor.nullable().default(null)
	}).query(
		async ({
			ctx: { db },
			input: { search, status, after }
		}): Promise<{ products: ProductRow[]; next: Cursor | null }> => {
			const wanted = searchKey(search);
			const fitting = selectRows(db)
				.$if(wanted !== '', (query) => query.where('product.searchKey', 'like', holding(wanted)))
				.$if(status === 'draft', (query) => query.where('product.status', '=', 'draft'))
				.$if(status === 'published', (query) =>
					query.where('product.status', '=', 'published').where(sql<SqlBool>`not ${isRetired}`)
				)
				.$if(status === 'retired', (query) => query.where(isRetired));
			const { rows, next } = await takePage<Awaited<ReturnType<typeof fitting.execute>>[number], Cursor>(
				fitting,
				newestFirst('product'),
				after,
				pageLength
			);
			return { products: rows.map(rowViewOf), next };
		}
	),

	get: adminProcedure(product)
		.use(ofOneMoment)
		.query(async ({ ctx, input }) => {
			const found = await getProduct(ctx, input.productId);
			return { product: found, html: renderMarkdown(found.description) };
		}),

	/** What a description will look like. */
	preview: adminProcedure({ description: productInput.description }).mutation(({ input }) => ({
		html: renderMarkdown(input.description)
	})),

	/** A draft, which nobody else sees. */
	create: adminProcedure(productInput).mutation(async ({ ctx, input }) => {
		const writing = ctx.db
			.insertInto('product')
			.values({ ...input, createdBy: ctx.actor })
			.returning('id')
			.executeTakeFirstOrThrow();
		const { id } = await refusingTaken(writing, taken());
		await publishProduct(ctx, 'product.created', { product: productHeadOf({ ...input, id }) });
		return getProduct(ctx, id);
	}),

	/** What is given; the rest stays as it is. */
	update: adminProcedure({
		...product,
		...z.strictObject(productInput).partial().shape,
		seen: seenIn(productInput)
	}).mutation(async ({ ctx, input: { productId, seen, ...values } }) => {
		const before = await lockProduct(ctx.db, productId);
		refuseUnseen(before, values, seen, {
			says: { visibility: (one: Visibility) => sentence`“${visibilityLabels[one]}”` }
		});
		const changed = fields.filter((field) => values[field] !== undefined && values[field] !== before[field]);
		if (changed.length > 0) {
			const writing = ctx.db.updateTable('product').set(values).where('id', '=', productId).execute();
			await refusingTaken(writing, taken());
			await publishProduct(ctx, 'product.updated', {
				product: { id: productId, slug: values.slug ?? before.slug, name: values.name ?? before.name },
				changed: changed.map((field) => fieldNames[field])
			});
		}
		return getProduct(ctx, productId);
	}),

	/** For whoever it is for; also one that was retired, which is offered again. */
	publish: adminProcedure(product).mutation(async ({ ctx, input }) => {
		const before = await lockProduct(ctx.db, input.productId);
		if (before.statusNow === 'published') throw refuseStatus('This API product is published already.');
		await ctx.db
			.updateTable('product')
			.set({ status: 'published', publishedAt: new Date(), retiresAt: null, retiredAt: null })
			.set(tellingBy(ctx))
			.where('id', '=', before.id)
			.execute();
		await publishProduct(ctx, 'product.published', { product: productHeadOf(before) });
		return getProduct(ctx, before.id);
	}),

	/** From now on, or on the day that is announced; another day may be announced until that has come. */
	retire: adminProcedure({ ...product, at: moment.nullable() }).mutation(async ({ ctx, input }) => {
		const before = await lockProduct(ctx.db, input.productId);
		if (before.statusNow !== 'published')
			throw refuseStatus(
				before.statusNow === 'draft'
					? 'A draft can’t be retired. Delete it instead.'
					: 'This API product is retired already.'
			);
		const at = input.at === null ? null : new Date(input.at);
		if (at && at.getTime() <= Date.now())
			throw fieldRefusal('at', 'INVALID', 'This day has come already. Choose a later one, or retire it now.');
		if (at && at.getTime() === before.retiresAt?.getTime()) return getProduct(ctx, before.id);
		await ctx.db
			.updateTable('product')
			.set(at ? { retiresAt: at } : { status: 'retired', retiresAt: null, retiredAt: new Date() })
			.set(tellingBy(ctx))
			.where('id', '=', before.id)
			.execute();
		await publishProduct(ctx, 'product.retired', { product: productHeadOf(before), at: isoOf(at) });
		return getProduct(ctx, before.id);
	}),

	/** While the announced day has not come. */
	cancelRetirement: adminProcedure(product).mutation(async ({ ctx, input }) => {
		const before = await lockProduct(ctx.db, input.productId);
		if (before.statusNow !== 'published')
			throw refuseStatus('This API product is not published. Publish it to offer it again.');
		if (!before.retiresAt) throw refuseStatus('No end of this API product is announced.');
		await ctx.db
			.updateTable('product')
			.set({ retiresAt: null, ...tellingBy(ctx) })
			.where('id', '=', before.id)
			.execute();
		await publishProduct(ctx, 'product.kept', { product: productHeadOf(before) });
		return getProduct(ctx, before.id);
	}),

	/** A draft alone: what was ever published stays known to whoever had it. */
	delete: adminProcedure(product).mutation(async ({ ctx, input }) => {
		const before = await lockProduct(ctx.db, input.productId);
		if (before.status !== 'draft')
			throw refuseStatus('Only a draft can be deleted. Retire this API product instead.');
		await ctx.db.deleteFrom('product').where('id', '=', before.id).execute();
		await publishProduct(ctx, 'product.deleted', { product: productHeadOf(before) });
		return { id: before.id };
	}),

	/** What a gateway stands in front of. */
	listServed: adminProcedure({ gatewayId: z.uuid() }).query(({ ctx, input }) =>
		ctx.db
			.selectFrom('gatewayProduct')
			.innerJoin('product', 'product.id', 'gatewayProduct.productId')
			.select(['product.id', 'product.slug', 'product.name'])
			.where('gatewayProduct.gatewayId', '=', input.gatewayId)
			.orderBy('product.nameKey')
			.orderBy('product.id')
			.execute()
	),

	/** Has a gateway that works stand in front of it, or no longer. */
	serve: adminProcedure({ ...product, gatewayId: z.uuid(), isServing: z.boolean() }).mutation(
		async ({ ctx, input: { productId, gatewayId, isServing } }) => {
			const before = await lockProduct(ctx.db, productId);
			const gateway = await ctx.db
				.selectFrom('gateway')
				.select(['id', 'name', 'revokedAt'])
				.where('id', '=', gatewayId)
				.forNoKeyUpdate()
				.executeTakeFirst();
			if (!gateway || (isServing && gateway.revokedAt)) throw notFound();
			const written = isServing
				? await ctx.db
						.insertInto('gatewayProduct')
						.values({ gatewayId, productId })
						.onConflict((conflict) => conflict.doNothing())
						.returning('gatewayId')
						.execute()
				: await ctx.db
						.deleteFrom('gatewayProduct')
						.where('gatewayId', '=', gatewayId)
						.where('productId', '=', productId)
						.returning('gatewayId')
						.execute();
			if (written.length > 0) {
				// For good: that the last one is taken away is no reason to let every key in.
				await ctx.db
					.updateTable('gateway')
					.set({ isProductsOnly: true })
					.where('id', '=', gatewayId)
					.execute();
				await publishProduct(ctx, 'product.served', {
					product: productHeadOf(before),
					gateway: { id: gateway.id, name: gateway.name },
					isServing
				});
			}
			return getProduct(ctx, productId);
		}
	)
});
