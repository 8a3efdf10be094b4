import type { ProductHead } from '#lib/products.ts';
import type { Db } from '../../database/database.ts';
import { inTurn } from '../../database/turns.ts';
import { createMemory, type Kept } from '../../news/memory.ts';

/** Which API products there are, by their addresses, and which gateway stands in front of which. */
interface Offered {
	bySlug: Map<string, ProductHead>;
	byGateway: Map<string, ProductHead[]>;
	/** The gateways that ask about products alone, also where none is left. */
	closed: Set<string>;
}

async function lookUp(db: Db): Promise<Kept<Offered>> {
	const [products, served, closed] = await Promise.all([
		db.selectFrom('product').select(['id', 'slug', 'name']).execute(),
		db
			.selectFrom('gatewayProduct')
			.innerJoin('product', 'product.id', 'gatewayProduct.productId')
			.select(['gatewayId', 'product.id', 'slug', 'name'])
			.orderBy('slug')
			.execute(),
		db.selectFrom('gateway').select('id').where('isProductsOnly', '=', true).execute()
	]);
	const byGateway = Map.groupBy(
		served.map(({ gatewayId, ...product }) => ({ gatewayId, product })),
		(one) => one.gatewayId
	);
	const value: Offered = {
		bySlug: new Map(products.map((one) => [one.slug, one])),
		byGateway: new Map([...byGateway].map(([id, rows]) => [id, rows.map(({ product }) => product)])),
		closed: new Set(closed.map(({ id }) => id))
	};
	return { value, tags: ['noun:product', 'noun:gateway'], forMs: 60_000, room: 'found' };
}

/**
 * What a gateway asks about; or, in words for whoever set it up, why nobody can tell (400), or why it lets nobody in, whatever
 * it asks about (403).
 */
export type FoundProduct = { product: ProductHead | null } | { problem: string; status: 400 | 403 };

const servesNothing = 'This gateway serves no API product: every request is refused.';

export type ProductFinder = ReturnType<typeof createProductFinder>;

/**
 * Finds the product that a question is about: the one that the gateway stands in front of, or the one that it names. One that
 * never stood in front of any may name each; where it names none, a key of an active organization is enough.
 */
export function createProductFinder(db: Db) {
	const memory = createMemory<Offered>('products', { found: 1, refused: 0 });
	return {
		/** @param named addresses, as the gateway itself has given them: never its client, who would choose what is checked. */
		async find(gatewayId: string, named: readonly string[]): Promise<FoundProduct> {
			const { bySlug, byGateway, closed } = await memory.read('all', () =>
				inTurn('products', 1, () => lookUp(db))
			);
			const served = byGateway.get(gatewayId) ?? [];
			if (served.length === 0 && closed.has(gatewayId)) return { problem: servesNothing, status: 403 };
			const refuse = (problem: string) => ({ problem, status: 400 }) as const;
			if (named.length > 1) return refuse(`The product was named ${named.length} times.`);
			const [slug] = named;
			if (slug === undefined) {
				if (served.length <= 1) return { product: served[0] ?? null };
				const all = served.slice(0, 5).map((one) => one.slug);
				const words = `${all.join(', ')}${served.length > all.length ? ' …' : ''}`;
				return refuse(
					`This gateway stands in front of several API products. Name the one that is asked for: ${words}.`
				);
			}
			const product = bySlug.get(slug);
			if (!product) return refuse('There is no API product with the address that the question names.');
			if (served.length > 0 && !served.some(({ id }) => id === product.id))
				return refuse(`This gateway doesn’t stand in front of the API product ${slug}.`);
			return { product };
		}
	};
}
