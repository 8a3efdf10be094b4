import { apiFor } from '../api.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:figures', 'portico:mailbox', 'portico:alarms');
	const api = apiFor(fetch);
	const asking = Promise.all([api.figures.get.query({}), api.alarms.list.query({})]);
	const [figures, alarms] = await orErrorPage(asking, url);
	return { figures, alarms };
};
