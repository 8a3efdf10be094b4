import { redirect } from '@sveltejs/kit';
import { ownPath } from '#lib/browser/paths.ts';
import { api } from '../api.server.ts';
import { failWith, fieldOf, readForm } from '../forms.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent, url }) => {
	const { account } = await parent();
	if (account) redirect(303, '/dashboard');
	return { next: url.searchParams.get('next') };
};

export const actions: Actions = {
	default: async ({ request, url }) => {
		const form = await readForm(request);
		const values = {
			firstName: fieldOf(form, 'firstName'),
			lastName: fieldOf(form, 'lastName'),
			email: fieldOf(form, 'email')
		};
		const password = fieldOf(form, 'password');
		const next = url.searchParams.get('next');
		let status: string;
		try {
			({ status } = await api.accounts.register.mutate({ ...values, password }));
		} catch (error) {
			return failWith(error, values);
		}
		if (status === 'active') {
			try {
				await api.sessions.create.mutate({ email: values.email, password });
			} catch {
				// The address has an account already, whose owner has just been told: the answer is the same as if it had
				// not, and they know their password.
				redirect(303, '/login?registered=active');
			}
			redirect(303, ownPath(next));
		}
		redirect(303, '/login?registered=pending');
	}
};
