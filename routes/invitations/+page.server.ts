import { fail, redirect } from '@sveltejs/kit';
import { api } from '../api.server.ts';
import { failWith, fieldOf, readForm } from '../forms.ts';
import { forgetToken, openedLink, pageOf, tokenOf } from '../links.ts';
import type { Actions, PageServerLoad } from './$types';

const path = '/invitations';

export const load: PageServerLoad = async (event) => {
	const { link, token } = openedLink(event, path);
	return { link, opened: await api.invitations.open.query({ token }) };
};

const noNames = { firstName: '', lastName: '' };
const noFields: Record<string, string> = {};

/** What the form was drawn for: the API says no when it is another by now. */
const shownOf = (form: FormData) => ({
	organizationName: fieldOf(form, 'organizationName'),
	role: fieldOf(form, 'role') as 'super_admin' | 'team_member'
});

export const actions: Actions = {
	accept: async (event) => {
		const form = await readForm(event.request);
		const { link, token } = tokenOf(event, path, form);
		const values = { firstName: fieldOf(form, 'firstName'), lastName: fieldOf(form, 'lastName') };
		const isNewPerson = form.has('password');
		let joined: { slug: string; isSignedIn: boolean };
		try {
			const input = isNewPerson ? { ...values, password: fieldOf(form, 'password') } : {};
			const shown = shownOf(form);
			joined = await api.invitations.accept.mutate({ token, shown, ...input });
		} catch (error) {
			return failWith(error, values);
		}
		forgetToken(event.cookies, path, link);
		const home = `/orgs/${joined.slug}`;
		redirect(303, joined.isSignedIn ? home : `/login?joined=1&next=${encodeURIComponent(home)}`);
	},

	decline: async (event) => {
		const form = await readForm(event.request);
		const { link, token } = tokenOf(event, path, form);
		try {
			await api.invitations.decline.mutate({ token, shown: shownOf(form) });
		} catch (error) {
			return failWith(error, noNames);
		}
		redirect(303, pageOf(path, link));
	},

	/** The account of the address was never confirmed: its e-mail once more. */
	verify: async (event) => {
		const { token } = tokenOf(event, path, await readForm(event.request));
		try {
			const opened = await api.invitations.open.query({ token });
			if (opened.state !== 'pending' || opened.who !== 'unverified') return outOfDate();
			await api.accounts.resendVerification.mutate({});
		} catch (error) {
			return failWith(error, noNames);
		}
		return { values: noNames, message: '', fields: noFields, reason: 'SENT' };
	},

	/** Somebody else is signed in: the link stays, they go. */
	switch: async (event) => {
		const form = await readForm(event.request);
		const { link } = tokenOf(event, path, form);
		const { account } = await api.sessions.get.query({});
		if (account && account.email !== fieldOf(form, 'signedInAs')) return outOfDate();
		await api.sessions.delete.mutate({});
		redirect(303, pageOf(path, link));
	}
};

/** Somebody has signed in or out in another tab. */
const outOfDate = () =>
	fail(409, {
		values: noNames,
		message: 'You have signed in or out in another tab. This is how it is now.',
		fields: noFields,
		reason: 'CHANGED'
	});
