import { redirect } from '@sveltejs/kit';
import { api } from '../api.server.ts';
import { failWith, fieldOf, readForm } from '../forms.ts';
import { forgetToken, openedLink, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/reset-password';

export const load: PageServerLoad = async (event) => {
	const { link, token } = openedLink(event, path);
	const opened = await api.accounts.openReset.query({ token });
	return { link, opened, isProven: event.url.searchParams.has('proven') };
};

export const actions: Actions = {
	default: async (event) => {
		const form = await readForm(event.request);
		const { link, token } = tokenOf(event, path, form);
		let isWaiting: boolean;
		try {
			const input = { token, password: fieldOf(form, 'password') };
			({ isWaiting } = await api.accounts.reset.mutate(input));
		} catch (error) {
			return failWith(error, {});
		}
		forgetToken(event.cookies, path, link);
		redirect(303, `/login?reset=${isWaiting ? 'waiting' : 'active'}`);
	}
};
