import { organizationOrder, status } from '#lib/views.ts';
import { api } from '../api.server.ts';
import { searchIn } from '../picking.ts';
import { orErrorPage } from '../refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ url }) => {
	// The overview lists what waits for a decision, whatever else there is.
	const filter = status.safeParse(url.pathname === '/admin' ? 'pending' : url.searchParams.get('status'));
	const order = organizationOrder.safeParse(url.searchParams.get('order'));
	const asking = api.organizations.list.query({
		search: searchIn(url),
		...(filter.success && { status: filter.data }),
		...(order.success && { order: order.data })
	});
	const counting = api.messages.count.query({});
	const [snapshot, mail] = await orErrorPage(Promise.all([asking, counting]), url);
	return { snapshot, mail };
};
