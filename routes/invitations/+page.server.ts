import { fail, redirect, type Cookies } from '@sveltejs/kit';
import { apiFor, refusalOf } from '../api.ts';
import type { Actions, PageServerLoad } from './$types';

const tokenOf = (cookies: Cookies) => cookies.get('portico_invitation') ?? '';

export const load: PageServerLoad = async ({ fetch, cookies }) => ({
	opened: await apiFor(fetch).invitations.open.query({ token: tokenOf(cookies) })
});

const textOf = (form: FormData, name: string) => {
	const value = form.get(name);
	return typeof value === 'string' ? value : '';
};

export const actions: Actions = {
	accept: async ({ fetch, cookies, request }) => {
		const form = await request.formData();
		const values = { firstName: textOf(form, 'firstName'), lastName: textOf(form, 'lastName') };
		const isNewPerson = form.has('password');
		let slug: string;
		try {
			const input = isNewPerson ? { ...values, password: textOf(form, 'password') } : {};
			({ slug } = await apiFor(fetch).invitations.accept.mutate({ token: tokenOf(cookies), ...input }));
		} catch (error) {
			const { status, message, fields, reason } = refusalOf(error);
			return fail(status, { values, message, fields, reason });
		}
		cookies.delete('portico_invitation', { path: '/invitations' });
		redirect(303, `/orgs/${slug}`);
	},

	decline: async ({ fetch, cookies }) => {
		try {
			await apiFor(fetch).invitations.decline.mutate({ token: tokenOf(cookies) });
		} catch (error) {
			const { status, message, fields, reason } = refusalOf(error);
			return fail(status, { message, fields, reason, values: { firstName: '', lastName: '' } });
		}
	},

	/** Somebody else is signed in: the link stays, they go. */
	switch: async ({ fetch }) => {
		await apiFor(fetch).sessions.delete.mutate({});
		redirect(303, '/invitations');
	}
};
