import { redirect } from '@sveltejs/kit';
import { apiFor } from '../../api.ts';
import { failWith, readForm, textOf } from '../../forms.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent }) => {
	const { account } = await parent();
	if (!account) redirect(303, '/login?next=/organizations/new');
};

export const actions: Actions = {
	default: async ({ fetch, request }) => {
		const name = textOf(await readForm(request), 'name');
		let slug: string;
		try {
			({ slug } = await apiFor(fetch).organizations.request.mutate({ name }));
		} catch (error) {
			return failWith(error, { name });
		}
		redirect(303, `/orgs/${slug}`);
	}
};
