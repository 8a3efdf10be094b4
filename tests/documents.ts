import { readFileSync } from 'node:fs';
import type { Visibility } from '#lib/products.ts';
import { unique, type Company, type Portal } from './factories.ts';

/** Products for documents, and documents for products. */

export const fixture = (name: string) =>
	readFileSync(new URL(`./fixtures/documents/${name}`, import.meta.url), 'utf8');

export const small = `openapi: 3.1.0
info: { title: Pets, version: "1.0" }
servers: [{ url: https://api.pets.example }]
paths:
  /pets:
    get: { responses: { 200: { description: All of them } } }
    post: { responses: { 201: { description: Added } } }
`;

export interface TestProduct {
	id: string;
	slug: string;
	name: string;
}

/** A product that is published for everyone unless told otherwise. */
export async function insertProduct(
	portal: Pick<Portal, 'inDatabase'>,
	given: { status?: 'draft' | 'published'; visibility?: Visibility; companies?: Pick<Company, 'id'>[] } = {}
): Promise<TestProduct> {
	const { status = 'published', visibility = 'everyone', companies = [] } = given;
	const name = unique('Product');
	return portal.inDatabase(async (db) => {
		const product = await db
			.insertInto('product')
			.values({
				slug: name.toLowerCase().replaceAll(' ', '-'),
				name,
				status,
				visibility,
				createdBy: { id: null, name: 'Test', kind: 'system' },
				...(status === 'published' && { publishedAt: new Date() })
			})
			.returning(['id', 'slug', 'name'])
			.executeTakeFirstOrThrow();
		const chosen = companies.map(({ id }) => ({ productId: product.id, organizationId: id }));
		if (chosen.length > 0) await db.insertInto('productOrganization').values(chosen).execute();
		return product;
	});
}
