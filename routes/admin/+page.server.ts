import { api } from '../api.server.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:figures', 'portico:mailbox', 'portico:alarms');
	const asking = Promise.all([api.figures.get.query({}), api.alarms.list.query({})]);
	const [figures, alarms] = await orErrorPage(asking, url);
	return { figures, alarms };
};
