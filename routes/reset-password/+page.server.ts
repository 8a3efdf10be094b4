import { redirect } from '@sveltejs/kit';
import { apiFor } from '../api.ts';
import { failWith, readForm, textOf } from '../forms.ts';
import { forgetToken, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/reset-password';

export const load: PageServerLoad = async ({ fetch, cookies }) => ({
	opened: await apiFor(fetch).accounts.openReset.query({ token: tokenOf(cookies, path) })
});

export const actions: Actions = {
	default: async ({ fetch, cookies, request }) => {
		const password = textOf(await readForm(request), 'password');
		try {
			await apiFor(fetch).accounts.reset.mutate({ token: tokenOf(cookies, path), password });
		} catch (error) {
			return failWith(error, {});
		}
		forgetToken(cookies, path);
		redirect(303, '/login?reset=1');
	}
};
