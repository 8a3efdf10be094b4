import { redirect } from '@sveltejs/kit';
import { api } from '../api.server.ts';
import { orErrorPage } from '../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent, url }) => {
	const { account } = await parent();
	if (!account) redirect(303, '/login?next=/profile');
	const asking = Promise.all([api.accounts.openProfile.query({}), api.sessions.list.query({})]);
	const [profile, sessions] = await orErrorPage(asking, url);
	return { account, profile, sessions };
};
