import { accountStatus } from '#lib/views.ts';
import { apiFor } from '../../api.ts';
import { searchIn } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:users');
	const status = accountStatus.safeParse(url.searchParams.get('status'));
	const query = {
		search: searchIn(url),
		status: status.success ? status.data : null
	};
	return { query, page: await orErrorPage(apiFor(fetch).accounts.list.query(query), url) };
};
