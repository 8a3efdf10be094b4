import { messageState } from '#lib/mail-server.ts';
import { api } from '../../api.server.ts';
import { searchIn } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:mailbox');
	const state = messageState.safeParse(url.searchParams.get('state'));
	const query = {
		search: searchIn(url),
		state: state.success ? state.data : null
	};
	return { query, box: await orErrorPage(api.messages.list.query(query), url) };
};
