import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:emails');
	return { emails: await orErrorPage(api.emails.list.query({}), url) };
};
