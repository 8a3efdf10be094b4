import { redirect } from '@sveltejs/kit';
import { apiFor } from '../api.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, parent, url }) => {
	const { account } = await parent();
	if (!account) redirect(303, '/login?next=/profile');
	const api = apiFor(fetch);
	const asking = Promise.all([api.accounts.openProfile.query({}), api.sessions.list.query({})]);
	const [profile, sessions] = await orErrorPage(asking, url);
	return { account, profile, sessions };
};
