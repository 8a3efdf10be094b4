import { filterOf, readActivityQuery } from '#lib/activity.ts';
import { api } from '../../../api.server.ts';
import { findMembers, identify } from '../../../picking.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent, url }) => {
	const { snapshot } = await parent();
	const { organization } = snapshot;
	const query = { ...readActivityQuery(url.searchParams), organization: '' };
	const person = await identify(query.person, (text) => findMembers(api, snapshot, text));
	const found = { ...query, person: person.id };
	if (person.error || organization.status !== 'approved') return { query, person, page: null };
	const asking = api.activity.list.query({ ...filterOf(found), organizationId: organization.id });
	return { query: found, person, page: await orErrorPage(asking, url) };
};
