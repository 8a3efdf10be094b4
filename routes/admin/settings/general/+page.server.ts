import { apiFor } from '../../../api.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, depends }) => {
	depends('portico:settings');
	const api = apiFor(fetch);
	const [changes, admins] = await orErrorPage(
		Promise.all([api.settings.listChanges.query({}), api.accounts.listAdmins.query({})]),
		url
	);
	return { changes, admins };
};
