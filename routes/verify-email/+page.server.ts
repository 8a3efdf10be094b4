import { apiFor } from '../api.ts';
import { failWith } from '../forms.ts';
import { forgetToken, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/verify-email';

export const load: PageServerLoad = async ({ fetch, cookies }) => ({
	opened: await apiFor(fetch).accounts.openEmail.query({ token: tokenOf(cookies, path) })
});

export const actions: Actions = {
	default: async ({ fetch, cookies }) => {
		try {
			const proven = await apiFor(fetch).accounts.verifyEmail.mutate({ token: tokenOf(cookies, path) });
			forgetToken(cookies, path);
			return proven;
		} catch (error) {
			return failWith(error, {});
		}
	}
};
