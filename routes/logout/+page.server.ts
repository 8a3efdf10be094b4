import { redirect } from '@sveltejs/kit';
import { api } from '../api.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = () => redirect(303, '/');

export const actions: Actions = {
	default: async () => {
		await api.sessions.delete.mutate({});
		redirect(303, '/');
	}
};
