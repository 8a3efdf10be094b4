import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends }) => {
	depends('portico:gateways');
	const asking = api.gateways.get.query({ gatewayId: params.id });
	return orErrorPage(asking, url);
};
