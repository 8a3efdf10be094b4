import { redirect } from '@sveltejs/kit';
import { apiFor } from '../../api.ts';
import { failWith, readForm, textOf } from '../../forms.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent, fetch }) => {
	const { account } = await parent();
	if (!account) redirect(303, '/login?next=/organizations/new');
	const { isMissing } = await apiFor(fetch).accounts.getProof.query({});
	return { mustConfirm: isMissing };
};

export const actions: Actions = {
	default: async ({ fetch, request }) => {
		const form = await readForm(request);
		const account = textOf(form, 'account');
		const api = apiFor(fetch, () => account);
		const name = textOf(form, 'name');
		const isAskingAgain = textOf(form, 'sendAgain') === 'true';
		let created: { slug: string; status: string } | null = null;
		try {
			if (isAskingAgain) await api.accounts.resendVerification.mutate({});
			else created = await api.organizations.request.mutate({ name });
		} catch (error) {
			return failWith(error, { name });
		}
		if (created) redirect(303, `/orgs/${created.slug}${created.status === 'approved' ? '?created' : ''}`);
		const fields: Record<string, string> = {};
		return { values: { name }, message: '', fields, reason: 'SENT' };
	}
};
