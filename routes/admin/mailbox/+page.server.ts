import { messageState } from '#lib/mail-server.ts';
import { apiFor } from '../../api.ts';
import { searchIn } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:mailbox');
	const state = messageState.safeParse(url.searchParams.get('state'));
	const query = {
		search: searchIn(url),
		state: state.success ? state.data : null
	};
	return { query, box: await orErrorPage(apiFor(fetch).messages.list.query(query), url) };
};
