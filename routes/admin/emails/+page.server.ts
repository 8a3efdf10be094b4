import { apiFor } from '../../api.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:emails');
	return { emails: await orErrorPage(apiFor(fetch).emails.list.query({}), url) };
};
