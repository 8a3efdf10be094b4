import { api } from '../../../api.server.ts';
import { searchIn } from '../../../picking.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ params, url, depends }) => {
	depends(`portico:organization:${params.id}`);
	const organizationId = params.id;
	const search = searchIn(url, 'member');
	const asking = Promise.all([
		api.organizations.get.query({ organizationId, search }),
		api.quotas.get.query({ organizationId })
	]);
	const [opened, quotas] = await orErrorPage(asking, url);
	return { opened, quotas, search };
};
