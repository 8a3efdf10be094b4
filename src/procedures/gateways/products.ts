import type { ProductHead } from '#lib/products.ts';
import type { Db } from '../../database/database.ts';
import { inTurn } from '../../database/turns.ts';
import { createMemory, type Kept } from '../../news/memory.ts';

/** Which API products there are, by their addresses, and which gateway stands in front of which. */
interface Offered {
	bySlug: Map<string, ProductHead>;
	byGateway: Map<string, ProductHead[]>;
}

async function lookUp(db: Db): Promise<Kept<Offered>> {
	const [products, served] = await Promise.all([
		db.selectFrom('product').select(['id', 'slug', 'name']).execute(),
		db
			.selectFrom('gatewayProduct')
			.innerJoin('product', 'product.id', 'gatewayProduct.productId')
			.select(['gatewayId', 'product.id', 'slug', 'name'])
			.orderBy('slug')
			.execute()
	]);
	const byGateway = Map.groupBy(
		served.map(({ gatewayId, ...product }) => ({ gatewayId, product })),
		(one) => one.gatewayId
	);
	const value: Offered = {
		bySlug: new Map(products.map((one) => [one.slug, one])),
		byGateway: new Map([...byGateway].map(([id, rows]) => [id, rows.map(({ product }) => product)]))
	};
	return { value, tags: ['noun:product', 'noun:gateway'], forMs: 60_000, room: 'found' };
}

/** What a gateway asks about; or, in words for whoever set it up, why nobody can tell. */
export type Found = { product: ProductHead | null } | { problem: string };

export type ProductFinder = ReturnType<typeof createProductFinder>;

/**
 * Finds the product that a question is about: the one that the gateway stands in front of, or the one that it names. One that
 * stands in front of none may name any; where it names none, a key of an active organization is enough.
 */
export function createProductFinder(db: Db) {
	const memory = createMemory<Offered>({ found: 1, refused: 0 });
	return {
		/** @param named addresses, as the gateway itself has given them: never its client, who would choose what is checked. */
		async find(gatewayId: string, named: readonly string[]): Promise<Found> {
			const { bySlug, byGateway } = await memory.read('all', () => inTurn('products', 1, () => lookUp(db)));
			const served = byGateway.get(gatewayId) ?? [];
			if (named.length > 1) return { problem: `The product was named ${named.length} times.` };
			const [slug] = named;
			if (slug === undefined) {
				if (served.length <= 1) return { product: served[0] ?? null };
				const all = served.slice(0, 5).map((one) => one.slug);
				const words = `${all.join(', ')}${served.length > all.length ? ' …' : ''}`;
				return {
					problem: `This gateway stands in front of several API products. Name the one that is asked for: ${words}.`
				};
			}
			const product = bySlug.get(slug);
			if (!product) return { problem: 'There is no API product with the address that the question names.' };
			if (served.length > 0 && !served.some(({ id }) => id === product.id))
				return { problem: `This gateway doesn’t stand in front of the API product ${slug}.` };
			return { product };
		}
	};
}
