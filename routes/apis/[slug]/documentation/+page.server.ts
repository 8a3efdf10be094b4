import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends, parent }) => {
	depends('portico:products');
	const slug = params.slug.slice(0, 100);
	const opening = orErrorPage(api.documents.get.query({ slug }), url);
	const { account } = await parent();
	const { product, newest } = await opening;
	// With what whoever is signed in can try it.
	const keys = account ? await orErrorPage(api.credentials.listOpening.query({ product: slug }), url) : [];
	return { product, newest, keys };
};
