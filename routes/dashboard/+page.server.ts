import { redirect } from '@sveltejs/kit';
import type { PageServerLoad } from './$types';

/** Leads to the organization that was open last, else to the first company, else to the personal space. */
export const load: PageServerLoad = async ({ parent, cookies }) => {
	const { account, organizations } = await parent();
	if (!account) redirect(303, '/login?next=/dashboard');
	const companies = organizations.filter(({ isPersonal }) => !isPersonal);
	const latest = cookies.get('portico_organization');
	const chosen =
		organizations.find(({ slug }) => slug === latest) ??
		companies.find(({ status }) => status === 'approved') ??
		companies[0] ??
		organizations[0];
	redirect(303, chosen ? `/orgs/${chosen.slug}` : '/');
};
