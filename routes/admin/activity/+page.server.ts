import { apiFor } from '../../api.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url }) => ({
	page: await orErrorPage(apiFor(fetch).activity.listPortal.query({}), url)
});
