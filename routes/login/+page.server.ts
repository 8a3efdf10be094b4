import { redirect } from '@sveltejs/kit';
import { ownPath } from '#lib/browser/paths.ts';
import { api } from '../api.server.ts';
import { failWith, fieldOf, readForm } from '../forms.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent, url }) => {
	const { account } = await parent();
	const next = url.searchParams.get('next');
	if (account) redirect(303, next ? ownPath(next) : '/dashboard');
	return {
		next,
		hasEnded: url.searchParams.has('ended'),
		reset: url.searchParams.get('reset'),
		hasJoined: url.searchParams.has('joined'),
		isRegistered: url.searchParams.get('registered')
	};
};

export const actions: Actions = {
	default: async ({ request, url }) => {
		const form = await readForm(request);
		const email = fieldOf(form, 'email');
		const next = url.searchParams.get('next');
		let redirectTo: string;
		try {
			const input = { email, password: fieldOf(form, 'password') };
			({ redirectTo } = await api.sessions.create.mutate(input));
		} catch (error) {
			return failWith(error, { email });
		}
		redirect(303, next ? ownPath(next) : redirectTo);
	}
};
