import { redirect } from '@sveltejs/kit';
import { apiFor } from '../api.ts';
import { failWith, readForm, textOf } from '../forms.ts';
import { forgetToken, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/setup';

export const load: PageServerLoad = ({ fetch, cookies }) =>
	apiFor(fetch).setup.open.query({ token: tokenOf(cookies, path) });

export const actions: Actions = {
	default: async ({ fetch, cookies, request }) => {
		const form = await readForm(request);
		const values = {
			firstName: textOf(form, 'firstName'),
			lastName: textOf(form, 'lastName'),
			email: textOf(form, 'email')
		};
		try {
			const input = { ...values, password: textOf(form, 'password'), token: tokenOf(cookies, path) };
			await apiFor(fetch).setup.complete.mutate(input);
		} catch (error) {
			return failWith(error, values);
		}
		forgetToken(cookies, path);
		redirect(303, '/admin');
	}
};
