import { api } from '../../../api.server.ts';
import { failWith, fieldOf, readForm } from '../../../forms.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { Actions, PageServerLoad } from './$types';

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

export const actions: Actions = {
	/** “Try it” before the page's script runs. The key goes back to nobody, not even to be corrected. */
	default: async ({ request }) => {
		const form = await readForm(request);
		const values = { productId: fieldOf(form, 'productId') };
		const asked = { key: fieldOf(form, 'key'), ...(values.productId && values) };
		try {
			return { values, found: await api.gateways.check.mutate(asked), fields: {}, message: null };
		} catch (error) {
			return failWith(error, values);
		}
	}
};
