import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends }) => {
	depends('portico:products');
	const { id: productId } = params;
	const asking = Promise.all([
		api.products.get.query({ productId }),
		api.products.listOrganizations.query({ productId }),
		api.documents.list.query({ productId })
	]);
	const [found, audience, documents] = await orErrorPage(asking, url);
	return { ...found, audience, documents };
};
