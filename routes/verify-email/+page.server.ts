import { redirect } from '@sveltejs/kit';
import { api } from '../api.server.ts';
import { failWith, readForm } from '../forms.ts';
import { forgetToken, keepToken, openedLink, pageOf, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/verify-email';

export const load: PageServerLoad = async (event) => {
	const { link, token } = openedLink(event, path);
	return { link, opened: await api.accounts.openEmail.query({ token }) };
};

export const actions: Actions = {
	default: async (event) => {
		const { link, token } = tokenOf(event, path, await readForm(event.request));
		let proven;
		try {
			proven = await api.accounts.verifyEmail.mutate({ token });
		} catch (error) {
			return failWith(error, {});
		}
		forgetToken(event.cookies, path, link);
		const { resetToken, ...rest } = proven;
		if (!resetToken) return rest;
		// The password may be of whoever registered the address: the owner sets their own right here.
		const reset = '/reset-password';
		redirect(303, `${pageOf(reset, keepToken(event, reset, resetToken))}&proven=1`);
	}
};
