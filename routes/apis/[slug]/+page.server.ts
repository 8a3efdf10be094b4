import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends, parent }) => {
	depends('portico:products');
	const slug = params.slug.slice(0, 100);
	const opening = orErrorPage(api.products.open.query({ slug }), url);
	const { account } = await parent();
	const opened = await opening;
	// Where whoever is signed in has it, or can ask for it.
	const places = account
		? (await orErrorPage(api.accesses.getOffer.query({ product: slug }), url)).places
		: [];
	return { ...opened, places };
};
