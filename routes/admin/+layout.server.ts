import { status } from '#lib/views.ts';
import { apiFor } from '../api.ts';
import { orErrorPage } from '../refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ fetch, url }) => {
	const filter = status.safeParse(url.searchParams.get('status'));
	const search = url.searchParams.get('search')?.slice(0, 200) ?? '';
	const asking = apiFor(fetch).organizations.list.query({
		search,
		...(filter.success && { status: filter.data })
	});
	return { snapshot: await orErrorPage(asking, url) };
};
