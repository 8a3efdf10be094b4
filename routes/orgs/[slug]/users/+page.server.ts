import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

/** When each member was last seen; an organization that isn't approved shows no members. */
export const load: PageServerLoad = async ({ parent, url }) => {
	const { organization } = (await parent()).snapshot;
	if (organization.status !== 'approved') return { seen: {} };
	const asking = api.members.listSeen.query({ organizationId: organization.id });
	return { seen: await orErrorPage(asking, url) };
};
