import { redirect } from '@sveltejs/kit';
import { apiFor } from '../../api.ts';
import { failWith, textOf } from '../../forms.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = ({ fetch, params }) =>
	apiFor(fetch).setup.open.query({ token: params.token.slice(0, 100) });

export const actions: Actions = {
	default: async ({ fetch, request, params }) => {
		const form = await request.formData();
		const values = {
			firstName: textOf(form, 'firstName'),
			lastName: textOf(form, 'lastName'),
			email: textOf(form, 'email')
		};
		try {
			const input = { ...values, password: textOf(form, 'password'), token: params.token.slice(0, 100) };
			await apiFor(fetch).setup.complete.mutate(input);
		} catch (error) {
			return failWith(error, values);
		}
		redirect(303, '/admin');
	}
};
