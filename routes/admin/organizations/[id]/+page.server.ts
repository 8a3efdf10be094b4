import { apiFor } from '../../../api.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, params, url, depends }) => {
	depends(`portico:organization:${params.id}`);
	const asking = apiFor(fetch).organizations.get.query({ organizationId: params.id });
	return { opened: await orErrorPage(asking, url) };
};
