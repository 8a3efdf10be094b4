import { filterOf, readActivityQuery } from '#lib/activity.ts';
import { api } from '../../api.server.ts';
import { findAccounts, findOrganizations, identify } from '../../picking.ts';
import { orErrorPage } from '../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url }) => {
	const query = readActivityQuery(url.searchParams);
	const asking = Promise.all([
		identify(query.organization, (text) => findOrganizations(api, text)),
		identify(query.person, (text) => findAccounts(api, text))
	]);
	const [organization, person] = await orErrorPage(asking, url);
	// A text that names nothing yet shows nothing: everything would look like an answer.
	if (organization.error || person.error) return { query, organization, person, page: null };
	const found = { ...query, organization: organization.id, person: person.id };
	const page = await orErrorPage(api.activity.listPortal.query(filterOf(found)), url);
	return { query: found, organization, person, page };
};
