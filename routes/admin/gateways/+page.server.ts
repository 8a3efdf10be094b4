import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:gateways');
	return { gateways: await orErrorPage(api.gateways.list.query({}), url) };
};
