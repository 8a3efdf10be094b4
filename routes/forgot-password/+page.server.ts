import { api } from '../api.server.ts';
import { failWith, fieldOf, readForm } from '../forms.ts';
import type { Actions } from './$types';

export const actions: Actions = {
	default: async ({ request }) => {
		const email = fieldOf(await readForm(request), 'email');
		try {
			await api.accounts.requestReset.mutate({ email });
		} catch (error) {
			return failWith(error, { email });
		}
		return { sentTo: email.trim() };
	}
};
