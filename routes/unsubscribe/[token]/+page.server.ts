import { apiFor } from '../../api.ts';
import { failWith, readForm, textOf } from '../../forms.ts';
import { orErrorPage } from '../../refusals.ts';
import type { Actions, PageServerLoad } from './$types';

const tokenOf = (params: { token: string }) => params.token.slice(0, 200);

export const load: PageServerLoad = async ({ fetch, params, url }) => ({
	subscription: await orErrorPage(apiFor(fetch).preferences.open.query({ token: tokenOf(params) }), url)
});

/** Works for whoever holds the message, signed in or not; opening the page alone changes nothing. */
export const actions: Actions = {
	default: async ({ fetch, params, request }) => {
		const isWanted = textOf(await readForm(request), 'isWanted') === 'true';
		try {
			await apiFor(fetch).preferences.unsubscribe.mutate({ token: tokenOf(params), isWanted });
		} catch (error) {
			return failWith(error, {});
		}
	}
};
