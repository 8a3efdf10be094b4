import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends }) => {
	depends('portico:gateways');
	const { id: gatewayId } = params;
	const asking = Promise.all([
		api.gateways.get.query({ gatewayId }),
		api.products.listServed.query({ gatewayId })
	]);
	const [found, served] = await orErrorPage(asking, url);
	return { ...found, served };
};
