import { redirect } from '@sveltejs/kit';
import type { PageServerLoad } from './$types';

/**
 * Leads to the organization that the account had open last, on whichever device, else to the first company, else to
 * the personal space.
 */
export const load: PageServerLoad = async ({ parent }) => {
	const { account, organizations } = await parent();
	if (!account) redirect(303, '/login?next=/dashboard');
	const companies = organizations.filter(({ isPersonal }) => !isPersonal);
	const visited = organizations.filter(({ visitedAt }) => visitedAt !== null);
	const chosen =
		visited.toSorted((one, other) => (other.visitedAt ?? '').localeCompare(one.visitedAt ?? ''))[0] ??
		companies.find(({ status }) => status === 'approved') ??
		companies[0] ??
		organizations[0];
	redirect(303, chosen ? `/orgs/${chosen.slug}` : '/');
};
