import { apiFor } from '../api.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:figures', 'portico:mailbox');
	return { figures: await orErrorPage(apiFor(fetch).figures.get.query({}), url) };
};
