import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:preferences');
	return { preferences: await orErrorPage(api.preferences.list.query({}), url) };
};
