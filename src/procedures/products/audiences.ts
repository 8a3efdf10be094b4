import { z } from 'zod';
import { searchText } from '#lib/fields.ts';
import { searchKey } from '#lib/search.ts';
import { adminProcedure, ofOneMoment, router } from '../../api/trpc.ts';
import { notFound } from '../../api/refusals.ts';
import { holding } from '../../database/paging.ts';
import { publishProduct } from './news.ts';
import { lockProduct, productHeadOf } from './views.ts';

/** The organizations that see a product which is for chosen ones alone. */

/** A list of those that were chosen, or of those that are found, is as long at most. */
const shownAtMost = 100;

export const audiencesRouter = router({
	/** Those that were chosen, by name; with a search, all approved ones that it finds. */
	listOrganizations: adminProcedure({ productId: z.uuid(), search: searchText.default('') })
		.use(ofOneMoment)
		.query(async ({ ctx: { db }, input: { productId, search } }) => {
			const known = await db
				.selectFrom('product')
				.select('id')
				.where('id', '=', productId)
				.executeTakeFirst();
			if (!known) throw notFound();
			const wanted = searchKey(search);
			const rows = await db
				.selectFrom('organization')
				.leftJoin('productOrganization', (join) =>
					join
						.onRef('productOrganization.organizationId', '=', 'organization.id')
						.on('productOrganization.productId', '=', productId)
				)
				.select([
					'organization.id',
					'organization.name',
					'organization.status',
					'productOrganization.productId'
				])
				.where('organization.isPersonal', '=', false)
				.$if(wanted === '', (query) => query.where('productOrganization.productId', 'is not', null))
				.$if(wanted !== '', (query) =>
					query
						.where('organization.status', '=', 'approved')
						.where('organization.searchKey', 'like', holding(wanted))
				)
				.orderBy('organization.nameKey')
				.orderBy('organization.id')
				.limit(shownAtMost + 1)
				.execute();
			return {
				organizations: rows
					.slice(0, shownAtMost)
					.map(({ productId: chosen, ...row }) => ({ ...row, isChosen: chosen !== null })),
				isMore: rows.length > shownAtMost
			};
		}),

	/** Lets an organization see it, or no longer. Whoever has access already goes on seeing it. */
	choose: adminProcedure({
		productId: z.uuid(),
		organizationId: z.uuid(),
		isChosen: z.boolean()
	}).mutation(async ({ ctx, input: { productId, organizationId, isChosen } }) => {
		const product = productHeadOf(await lockProduct(ctx.db, productId));
		const organization = await ctx.db
			.selectFrom('organization')
			.select(['id', 'name'])
			.where('id', '=', organizationId)
			.where('isPersonal', '=', false)
			.executeTakeFirst();
		if (!organization) throw notFound();
		const pair = { productId, organizationId };
		const written = isChosen
			? await ctx.db
					.insertInto('productOrganization')
					.values(pair)
					.onConflict((conflict) => conflict.doNothing())
					.returning('organizationId')
					.execute()
			: await ctx.db
					.deleteFrom('productOrganization')
					.where('productId', '=', productId)
					.where('organizationId', '=', organizationId)
					.returning('organizationId')
					.execute();
		const name = isChosen ? 'product.shown' : 'product.hidden';
		if (written.length > 0) await publishProduct(ctx, name, { product, organization });
		return { isChosen };
	})
});
