import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = ({ url, params, depends }) => {
	depends('portico:products');
	const before = Number(url.searchParams.get('before'));
	const isGiven = Number.isInteger(before) && before > 0 && before <= 1_000_000_000;
	const slug = params.slug.slice(0, 100);
	return orErrorPage(api.documents.get.query({ slug, ...(isGiven && { before }) }), url);
};
