import { nameCursor } from '#lib/views.ts';
import { api } from '../api.server.ts';
import { searchIn } from '../picking.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:products');
	const { success, data: after } = nameCursor.safeParse({
		value: url.searchParams.get('after'),
		id: url.searchParams.get('id')
	});
	// Only a page without script asks for what follows by an address.
	const query = { search: searchIn(url), after: success ? after : null };
	return { query, page: await orErrorPage(api.products.catalogue.query(query), url) };
};
