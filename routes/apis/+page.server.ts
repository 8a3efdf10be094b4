import { api } from '../api.server.ts';
import { searchIn } from '../picking.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:products');
	const query = { search: searchIn(url) };
	return { query, page: await orErrorPage(api.products.catalogue.query(query), url) };
};
