import { readFileSync } from 'node:fs';
import type { Visibility } from '#lib/products.ts';
import type { Company, Portal } from './factories.ts';
import { createProduct } from './products.ts';

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
export async function makeProduct(
	portal: Pick<Portal, 'admin'>,
	given: { status?: 'draft' | 'published'; visibility?: Visibility; companies?: Pick<Company, 'id'>[] } = {}
): Promise<TestProduct> {
	const { status = 'published', visibility = 'everyone', companies = [] } = given;
	const { products } = portal.admin.api;
	const { id, slug, name } = await createProduct(portal, { visibility });
	for (const { id: organizationId } of companies)
		await products.choose.mutate({ productId: id, organizationId, isChosen: true });
	if (status === 'published') await products.publish.mutate({ productId: id });
	return { id, slug, name };
}
