import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
	adminPassword,
	password,
	refusal,
	startPortal,
	unique,
	uniqueEmail,
	type Portal
} from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

const fresh = {
	canRegister: true,
	canSignIn: true,
	isAutoApprovingAccounts: true,
	canRegisterOrganizations: true,
	isAutoApprovingOrganizations: false
};
const change = (settings: Partial<typeof fresh>) => portal.admin.api.settings.update.mutate(settings);
afterEach(() => change(fresh));

test('a fresh portal has all of them on but the last', async () => {
	expect((await portal.visitor().api.sessions.get.query({})).settings).toEqual(fresh);
});

test('a change is on every open page at once, and who changed what is recorded', async () => {
	const page = await portal.visitor().listen();
	const watching = await portal.admin.listen();
	await Promise.all([page.hears('settings'), watching.hears('settings')]);
	await change({ canRegister: false, isAutoApprovingOrganizations: true });
	await page.until(() => page.words.filter((word) => word === 'settings').length === 2, 'the new settings');
	await watching.hears('settings.updated');
	expect(watching.events.at(-1)).toMatchObject({
		actor: { name: 'Portal Admin' },
		payload: { changed: ['canRegister', 'isAutoApprovingOrganizations'] }
	});
	// What is as it was already is no change.
	const heard = watching.events.length;
	await change({ canRegister: false });
	await change({ canRegister: true });
	await watching.until(() => watching.events.length > heard, 'the change back');
	expect(watching.events.slice(heard).map(({ payload }) => payload)).toMatchObject([
		{ changed: ['canRegister'] }
	]);
});

test('registering: off refuses newcomers, and lets in whom a team has invited', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { token } = await portal.invitation(company);
	await change({ canRegister: false });
	const input = { firstName: 'New', lastName: 'Comer', email: uniqueEmail(), password };
	const register = () => portal.visitor().api.accounts.register.mutate(input);
	expect(await refusal(register())).toMatchObject({ status: 403, reason: 'REGISTRATION_DISABLED' });
	await portal.visitor().api.invitations.accept.mutate({ token, password });
	const page = await portal.visitor().request('/register');
	expect(await page.text()).toContain('Registering is switched off');
	await change({ canRegister: true });
	await register();
});

test('signing in: off refuses developers, and lets the portal’s admins in', async () => {
	const person = await portal.person();
	await change({ canSignIn: false });
	const signIn = (email: string, secret: string) =>
		portal.visitor().api.sessions.create.mutate({ email, password: secret });
	expect(await refusal(signIn(person.email, password))).toMatchObject({
		status: 403,
		reason: 'SIGN_IN_DISABLED'
	});
	// Whether the password is right is told before: nobody learns of an account by the setting.
	expect(await refusal(signIn(person.email, 'wrong password'))).toMatchObject({ status: 400 });
	expect(await refusal(signIn(uniqueEmail(), password))).toMatchObject({ status: 400 });
	await signIn('admin@example.test', adminPassword);
	await change({ canSignIn: true });
	await signIn(person.email, password);
});

test('approving developers: off lets them wait until an admin lets them in, or not', async () => {
	await change({ isAutoApprovingAccounts: false });
	const watching = await portal.admin.listen();
	await watching.hears('settings');
	const people = [uniqueEmail(), uniqueEmail()];
	for (const email of people) {
		const answer = await portal.visitor().api.accounts.register.mutate({
			firstName: 'Waiting',
			lastName: unique('Person'),
			email,
			password
		});
		expect(answer).toEqual({ status: 'pending' });
	}
	await watching.hears('account.registered');
	const { accounts } = await portal.admin.api.organizations.list.query({});
	const [first, second] = people.map((email) => accounts.find((one) => one.email === email));
	expect([first?.status, second?.status]).toEqual(['pending', 'pending']);
	const signIn = (email = '') => portal.visitor().api.sessions.create.mutate({ email, password });
	expect(await refusal(signIn(first?.email))).toMatchObject({ status: 403, reason: 'ACCOUNT_PENDING' });

	await portal.admin.api.accounts.approve.mutate({ accountId: first?.id ?? '' });
	await portal.admin.api.accounts.reject.mutate({ accountId: second?.id ?? '' });
	await signIn(first?.email);
	expect(await refusal(signIn(second?.email))).toMatchObject({ status: 403, reason: 'ACCOUNT_REJECTED' });
	const sentTo = async (email: string | undefined, subject: RegExp) =>
		portal.smtp.waitFor(
			(mail) => subject.test(mail.subject ?? '') && JSON.stringify(mail.to).includes(email ?? '?')
		);
	await sentTo(first?.email, /is ready$/);
	await sentTo(second?.email, /was not approved$/);
	const again = await refusal(portal.admin.api.accounts.reject.mutate({ accountId: first?.id ?? '' }));
	expect(again).toMatchObject({ status: 409, reason: 'DECIDED' });
});
