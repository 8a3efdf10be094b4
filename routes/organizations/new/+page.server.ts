import { redirect } from '@sveltejs/kit';
import { api, apiFor } from '../../api.server.ts';
import { failWith, fieldOf, readForm } from '../../forms.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent }) => {
	const { account } = await parent();
	if (!account) redirect(303, '/login?next=/organizations/new');
	const { isMissing } = await api.accounts.getProof.query({});
	return { mustConfirm: isMissing };
};

export const actions: Actions = {
	default: async ({ request }) => {
		const form = await readForm(request);
		const asShown = apiFor(fieldOf(form, 'account') || null);
		const name = fieldOf(form, 'name');
		const isAskingAgain = fieldOf(form, 'sendAgain') === 'true';
		let created: { slug: string; status: string } | null = null;
		try {
			if (isAskingAgain) await asShown.accounts.resendVerification.mutate({});
			else created = await asShown.organizations.request.mutate({ name });
		} catch (error) {
			return failWith(error, { name });
		}
		if (created) redirect(303, `/orgs/${created.slug}${created.status === 'approved' ? '?created' : ''}`);
		const fields: Record<string, string> = {};
		return { values: { name }, message: '', fields, reason: 'SENT' };
	}
};
