import { redirect } from '@sveltejs/kit';
import { api, apiFor } from '../../../api.server.ts';
import { failWith, fieldOf, readForm } from '../../../forms.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent, params, url, depends }) => {
	depends('portico:products');
	const { account } = await parent();
	if (!account) redirect(303, `/login?next=${encodeURIComponent(url.pathname + url.search)}`);
	const offer = await orErrorPage(api.accesses.getOffer.query({ product: params.slug }), url);
	return {
		offer,
		chosen: {
			plan: url.searchParams.get('plan') ?? '',
			application: url.searchParams.get('application') ?? ''
		}
	};
};

export const actions: Actions = {
	default: async ({ request, params }) => {
		const form = await readForm(request);
		const values = {
			place: fieldOf(form, 'place'),
			newApplication: fieldOf(form, 'newApplication'),
			planId: fieldOf(form, 'planId'),
			message: fieldOf(form, 'message')
		};
		// “<organization>:<application>”, or “<organization>:new”.
		const [organizationId = '', applicationId = ''] = values.place.split(':');
		const asShown = apiFor(fieldOf(form, 'account') || null);
		let asked: { applicationId: string };
		try {
			asked = await asShown.accesses.request.mutate({
				organizationId,
				...(applicationId === 'new' ? { newApplication: values.newApplication } : { applicationId }),
				product: params.slug,
				planId: values.planId,
				message: values.message
			});
		} catch (error) {
			return failWith(error, values);
		}
		const { organizations } = await asShown.sessions.get.query({});
		const place = organizations.find(({ id }) => id === organizationId);
		redirect(303, place ? `/orgs/${place.slug}/applications/${asked.applicationId}#apis` : '/dashboard');
	}
};
