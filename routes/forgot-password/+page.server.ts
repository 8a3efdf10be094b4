import { apiFor } from '../api.ts';
import { failWith, readForm, textOf } from '../forms.ts';
import type { Actions } from './$types';

export const actions: Actions = {
	default: async ({ fetch, request }) => {
		const email = textOf(await readForm(request), 'email');
		try {
			await apiFor(fetch).accounts.requestReset.mutate({ email });
		} catch (error) {
			return failWith(error, { email });
		}
		return { sentTo: email.trim() };
	}
};
