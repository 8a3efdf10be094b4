import { redirect } from '@sveltejs/kit';
import { api } from '../api.server.ts';
import { failWith, fieldOf, readForm } from '../forms.ts';
import { forgetToken, openedLink, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/setup';

export const load: PageServerLoad = async (event) => {
	const { link, token } = openedLink(event, path);
	return { link, ...(await api.setup.open.query({ token })) };
};

export const actions: Actions = {
	default: async (event) => {
		const form = await readForm(event.request);
		const { link, token } = tokenOf(event, path, form);
		const values = {
			firstName: fieldOf(form, 'firstName'),
			lastName: fieldOf(form, 'lastName'),
			email: fieldOf(form, 'email')
		};
		try {
			const input = { ...values, password: fieldOf(form, 'password'), token };
			await api.setup.complete.mutate(input);
		} catch (error) {
			return failWith(error, values);
		}
		forgetToken(event.cookies, path, link);
		redirect(303, '/admin');
	}
};
