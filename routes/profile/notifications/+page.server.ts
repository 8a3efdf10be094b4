import { apiFor } from '../../api.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:preferences');
	return { preferences: await orErrorPage(apiFor(fetch).preferences.list.query({}), url) };
};
