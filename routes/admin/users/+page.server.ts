import { accountStatus } from '#lib/views.ts';
import { api } from '../../api.server.ts';
import { searchIn } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:users');
	const status = accountStatus.safeParse(url.searchParams.get('status'));
	const query = {
		search: searchIn(url),
		status: status.success ? status.data : null
	};
	return { query, page: await orErrorPage(api.accounts.list.query(query), url) };
};
