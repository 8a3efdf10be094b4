import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ params, url, depends }) => {
	depends(`portico:organization:${params.id}`);
	const asking = api.organizations.get.query({ organizationId: params.id });
	return { opened: await orErrorPage(asking, url) };
};
