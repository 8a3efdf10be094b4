import { redirect } from '@sveltejs/kit';
import type { PageServerLoad } from './$types';

/**
 * Leads to the organization that the account had open last, on whichever device, else to the first company, else to
 * the personal space. Who belongs to no company yet is led to the request that they wait for, and to a rejection that
 * they haven't seen.
 */
export const load: PageServerLoad = async ({ parent }) => {
	const { account, organizations } = await parent();
	if (!account) redirect(303, '/login?next=/dashboard');
	const companies = organizations.filter(({ isPersonal }) => !isPersonal);
	const isMember = companies.some(({ status }) => status === 'approved' || status === 'suspended');
	const request = companies.find(
		({ status, seq, seenSeq }) => status === 'pending' || (status === 'rejected' && seq > seenSeq)
	);
	if (request && !isMember) redirect(303, `/orgs/${request.slug}`);
	const visited = organizations.filter(({ visitedAt }) => visitedAt !== null);
	const chosen =
		visited.toSorted((one, other) => (other.visitedAt ?? '').localeCompare(one.visitedAt ?? ''))[0] ??
		companies.find(({ status }) => status === 'approved') ??
		companies[0] ??
		organizations[0];
	redirect(303, chosen ? `/orgs/${chosen.slug}` : '/');
};
