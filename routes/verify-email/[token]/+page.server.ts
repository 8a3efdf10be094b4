import { apiFor } from '../../api.ts';
import { failWith } from '../../forms.ts';
import type { Actions } from './$types';

export const actions: Actions = {
	default: async ({ fetch, params }) => {
		try {
			return await apiFor(fetch).accounts.verifyEmail.mutate({ token: params.token.slice(0, 100) });
		} catch (error) {
			return failWith(error, {});
		}
	}
};
