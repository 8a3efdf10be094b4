import { apiFor } from '../../../api.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, parent, url }) => {
	const { organization } = (await parent()).snapshot;
	if (organization.status !== 'approved') return { page: { events: [], hasMore: false } };
	const asking = apiFor(fetch).activity.list.query({ organizationId: organization.id });
	return { page: await orErrorPage(asking, url) };
};
