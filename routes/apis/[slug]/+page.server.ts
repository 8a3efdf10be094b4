import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = ({ url, params, depends }) => {
	depends('portico:products');
	return orErrorPage(api.products.open.query({ slug: params.slug.slice(0, 100) }), url);
};
