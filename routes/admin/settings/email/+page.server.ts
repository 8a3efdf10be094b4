import { apiFor } from '../../../api.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = ({ fetch, url, depends }) => {
	depends('portico:mail-server');
	return orErrorPage(apiFor(fetch).mailServers.get.query({}), url);
};
