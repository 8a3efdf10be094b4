import { productStatuses } from '#lib/products.ts';
import { api } from '../../api.server.ts';
import { searchIn } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:products');
	const given = url.searchParams.get('status');
	const query = {
		search: searchIn(url),
		status: productStatuses.find((one) => one === given) ?? null
	};
	return { query, page: await orErrorPage(api.products.list.query(query), url) };
};
