import { redirect } from '@sveltejs/kit';
import { apiFor } from '../api.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = () => redirect(303, '/');

export const actions: Actions = {
	default: async ({ fetch }) => {
		await apiFor(fetch).sessions.delete.mutate({});
		redirect(303, '/');
	}
};
