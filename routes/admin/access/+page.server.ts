import { requestStatuses, type RequestStatus } from '#lib/products.ts';
import { api } from '../../api.server.ts';
import { searchIn } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:accesses', 'portico:products');
	// What nobody could mean is left out: an address is typed and shortened by hand too.
	const idIn = (name: string) => {
		const id = url.searchParams.get(name) ?? '';
		return uuid.test(id) ? id : null;
	};
	const status = requestStatuses.find((one) => one === url.searchParams.get('status'));
	const query = {
		status: (status ?? 'pending') satisfies RequestStatus,
		search: searchIn(url),
		productId: idIn('product'),
		organizationId: idIn('organization')
	};
	return { query, page: await orErrorPage(api.accesses.list.query(query), url) };
};
