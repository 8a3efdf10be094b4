import { searchText } from '#lib/fields.ts';
import type { Product, ProductRow } from '#lib/products.ts';
import { text } from '#lib/schema.ts';
import { searchKey } from '#lib/search.ts';
import { nameCursor, type Cursor } from '#lib/views.ts';
import { holding, takePage, type Order } from '../../database/paging.ts';
import { notFound } from '../../api/refusals.ts';
import { publicProcedure, router, type Context } from '../../api/trpc.ts';
import { renderMarkdown } from './markdown.ts';
import { isVisibleTo, type Viewer } from './visibility.ts';
import { productViewOf, rowViewOf, selectPlans, selectProducts, selectRows } from './views.ts';

/** What everybody sees of products, each person those that are for them: also without a session. */

const pageLength = 30;

const byName: Order = {
	column: 'product.nameKey',
	id: 'product.id',
	idType: 'uuid',
	direction: 'asc',
	form: 'text'
};

export const viewerOf = ({ session }: Pick<Context, 'session'>): Viewer => ({
	userId: session?.user.id ?? null,
	isPortalAdmin: session?.user.isPortalAdmin ?? false
});

export const catalogueRouter = router({
	catalogue: publicProcedure({
		search: searchText.default(''),
		after: nameCursor.nullable().default(null)
	}).query(
		async ({ ctx, input: { search, after } }): Promise<{ products: ProductRow[]; next: Cursor | null }> => {
			const wanted = searchKey(search);
			const fitting = selectRows(ctx.db)
				.where(isVisibleTo(viewerOf(ctx)))
				.$if(wanted !== '', (query) => query.where('product.searchKey', 'like', holding(wanted)));
			const { rows, next } = await takePage<Awaited<ReturnType<typeof fitting.execute>>[number], Cursor>(
				fitting,
				byName,
				after,
				pageLength
			);
			return { products: rows.map(rowViewOf), next };
		}
	),

	/** @throws {Refusal} NOT_FOUND, also of one that somebody else may see: by the same question, which finds nothing. */
	open: publicProcedure({ slug: text(100) }).query(
		async ({ ctx, input }): Promise<{ product: Product; html: string; isDocumented: boolean }> => {
			const row = await selectProducts(ctx.db)
				.where('product.slug', '=', input.slug)
				.where(isVisibleTo(viewerOf(ctx)))
				.executeTakeFirst();
			if (!row) throw notFound();
			// Whoever has a closed one sees it where their access stands.
			const plans = await selectPlans(ctx.db, row.id).where('plan.closedAt', 'is', null).execute();
			const product = productViewOf(row, plans);
			const documented = await ctx.db
				.selectFrom('productDocument')
				.select('id')
				.where('productId', '=', row.id)
				.limit(1)
				.executeTakeFirst();
			return { product, html: renderMarkdown(product.description), isDocumented: documented !== undefined };
		}
	)
});
