import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, depends }) => {
	depends('portico:settings');
	const [changes, admins] = await orErrorPage(
		Promise.all([api.settings.listChanges.query({}), api.accounts.listAdmins.query({})]),
		url
	);
	return { changes, admins };
};
