import { redirect, type Cookies } from '@sveltejs/kit';
import { apiFor } from '../api.ts';
import { failWith, readForm, textOf } from '../forms.ts';
import type { Actions, PageServerLoad } from './$types';

const tokenOf = (cookies: Cookies) => cookies.get('portico_invitation') ?? '';

export const load: PageServerLoad = async ({ fetch, cookies }) => ({
	opened: await apiFor(fetch).invitations.open.query({ token: tokenOf(cookies) })
});

const noNames = { firstName: '', lastName: '' };

export const actions: Actions = {
	accept: async ({ fetch, cookies, request }) => {
		const form = await readForm(request);
		const values = { firstName: textOf(form, 'firstName'), lastName: textOf(form, 'lastName') };
		const isNewPerson = form.has('password');
		let slug: string;
		try {
			const input = isNewPerson ? { ...values, password: textOf(form, 'password') } : {};
			({ slug } = await apiFor(fetch).invitations.accept.mutate({ token: tokenOf(cookies), ...input }));
		} catch (error) {
			return failWith(error, values);
		}
		cookies.delete('portico_invitation', { path: '/invitations' });
		redirect(303, `/orgs/${slug}`);
	},

	decline: async ({ fetch, cookies }) => {
		try {
			await apiFor(fetch).invitations.decline.mutate({ token: tokenOf(cookies) });
		} catch (error) {
			return failWith(error, noNames);
		}
		redirect(303, '/invitations');
	},

	/** The account of the address was never confirmed: its e-mail once more. */
	verify: async ({ fetch }) => {
		try {
			await apiFor(fetch).accounts.resendVerification.mutate({});
		} catch (error) {
			return failWith(error, noNames);
		}
		const fields: Record<string, string> = {};
		return { values: noNames, message: '', fields, reason: 'SENT' };
	},

	/** Somebody else is signed in: the link stays, they go. */
	switch: async ({ fetch }) => {
		await apiFor(fetch).sessions.delete.mutate({});
		redirect(303, '/invitations');
	}
};
