import { redirect } from '@sveltejs/kit';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent }) => {
	const { organizations } = await parent();
	const space = organizations.find(({ isPersonal }) => isPersonal);
	redirect(303, space ? `/orgs/${space.slug}` : '/login?next=/dashboard/personal');
};
