import { api } from '../../api.server.ts';
import { failWith, fieldOf, readForm } from '../../forms.ts';
import { orErrorPage } from '../../refusals.ts';
import type { Actions, PageServerLoad } from './$types';

const tokenOf = (params: { token: string }) => params.token.slice(0, 200);

export const load: PageServerLoad = async ({ params, url }) => ({
	subscription: await orErrorPage(api.preferences.open.query({ token: tokenOf(params) }), url)
});

/** Works for whoever holds the message, signed in or not; opening the page alone changes nothing. */
export const actions: Actions = {
	default: async ({ params, request }) => {
		const isWanted = fieldOf(await readForm(request), 'isWanted') === 'true';
		try {
			await api.preferences.unsubscribe.mutate({ token: tokenOf(params), isWanted });
		} catch (error) {
			return failWith(error, {});
		}
	}
};
