import { api } from '../api.server.ts';
import { failWith, readForm, textOf } from '../forms.ts';
import type { Actions } from './$types';

export const actions: Actions = {
	default: async ({ request }) => {
		const email = textOf(await readForm(request), 'email');
		try {
			await api.accounts.requestReset.mutate({ email });
		} catch (error) {
			return failWith(error, { email });
		}
		return { sentTo: email.trim() };
	}
};
