import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends }) => {
	depends('portico:products');
	const { product, newest } = await orErrorPage(
		api.documents.get.query({ slug: params.slug.slice(0, 100) }),
		url
	);
	return { product, newest };
};
