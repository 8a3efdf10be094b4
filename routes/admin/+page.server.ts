import { apiFor } from '../api.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:overview', 'portico:mailbox');
	return { figures: await orErrorPage(apiFor(fetch).overview.get.query({}), url) };
};
