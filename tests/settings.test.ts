import { sql } from 'kysely';
import { getRecipients } from './smtp.ts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { changesPerMinute } from './setup/prepare.ts';
import { settingKeys, settingRows, switchKeys } from '#lib/settings.ts';
import {
	adminPassword,
	password,
	refusal,
	getPortal,
	unique,
	uniqueEmail,
	type Portal
} from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const fresh = {
	canRegister: true,
	canSignIn: true,
	isAutoApprovingAccounts: true,
	canRegisterOrganizations: true,
	isAutoApprovingOrganizations: false,
	name: 'Portico',
	supportEmail: null as string | null,
	invitationDays: 7,
	maxMembers: 100,
	maxOpenInvitations: 50,
	invitationsPerDay: 50,
	invitationsPerInviter: 30,
	retentionDays: 90,
	maxApplications: 100,
	changesPerPerson: changesPerMinute,
	changesPerOrganization: changesPerMinute,
	credentialPerSecond: 0,
	credentialPerMonth: 0,
	applicationPerSecond: 0,
	applicationPerMonth: 0
};
const change = (settings: Partial<typeof fresh>) => portal.admin.api.settings.update.mutate(settings);
afterEach(() => change(fresh));

test('a fresh portal has all switches on but the last', async () => {
	expect((await portal.visitor().api.sessions.get.query({})).settings).toEqual(fresh);
});

/** The columns of the portal's row that are no settings. */
const others = ['id', 'last_seq', 'last_hash', 'last_at', 'key_check', 'setup_token_hash'];

test('each row of the table of settings has its column with that default, and each column its row', async () => {
	const defaults = await portal.inDatabase(async (db) => {
		const columns = await sql<{ name: string; written: string | null }>`
			select column_name as name, column_default as written from information_schema.columns
			where table_schema = current_schema() and table_name = 'portal'`.execute(db);
		expect(columns.rows.map(({ name }) => name)).toEqual(expect.arrayContaining(others));
		const settings = columns.rows.filter(({ name }) => !others.includes(name));
		const values = settings.map(
			({ name, written }) => sql`${sql.raw(written ?? 'null')} as ${sql.ref(name)}`
		);
		return (await sql`select ${sql.join(values)}`.execute(db)).rows[0];
	});
	expect(defaults).toEqual(Object.fromEntries(settingKeys.map((key) => [key, settingRows[key].default])));
});

test('each setting is asked for on the page, and refused at its field where it makes no sense', async () => {
	const html = await (await portal.admin.request('/admin/settings/general')).text();
	for (const key of settingKeys) {
		const isSwitch = switchKeys.some((one) => one === key);
		const isAsked = html.includes(settingRows[key].label) && (isSwitch || html.includes(`name="${key}"`));
		expect(isAsked, key).toBe(true);
		const refused = await refusal(change({ [key]: {} }));
		expect([refused.status, Object.keys(refused.fields)]).toEqual([400, [key]]);
	}
});

test('a change is on every open page at once, and who changed what is recorded', async () => {
	const page = await portal.visitor().listen();
	const watching = await portal.admin.listen();
	await Promise.all([page.hears('settings'), watching.hears('settings')]);
	await change({ canRegister: false, isAutoApprovingOrganizations: true });
	await page.until(() => page.words.filter((word) => word === 'settings').length === 2, 'the new settings');
	await watching.hears('settings.updated');
	expect(watching.latest('settings.updated')).toMatchObject({
		actor: { name: 'Portal Admin' },
		payload: { changed: ['canRegister', 'isAutoApprovingOrganizations'] }
	});
	// What is as it was already is no change.
	const heard = watching.portalEvents().length;
	await change({ canRegister: false });
	await change({ canRegister: true });
	await watching.until(() => watching.portalEvents().length > heard, 'the change back');
	expect(
		watching
			.portalEvents()
			.slice(heard)
			.map(({ payload }) => payload)
	).toMatchObject([{ changed: ['canRegister'] }]);
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

test('a developer who waits is told to the portal admins, once the address is proven', async () => {
	await portal.admin.api.settings.update.mutate({ isAutoApprovingAccounts: false });
	const { api } = portal.visitor();
	const email = uniqueEmail();
	const lastName = unique('Waiting');
	const subject = `Dev ${lastName} waits for an account`;
	await api.accounts.register.mutate({ email, firstName: 'Dev', lastName, password });
	const token = await portal.tokenFor(email, 'verify-email');
	expect(portal.smtp.messages.filter((mail) => mail.subject === subject)).toEqual([]);
	// The page says so, instead of sending them to sign in.
	expect(await api.accounts.verifyEmail.mutate({ token })).toMatchObject({ email, isWaiting: true });
	const mail = await portal.smtp.waitFor((one) => one.subject === subject);
	expect(mail.text).toContain(`/admin/users?search=${encodeURIComponent(email)}`);
	await portal.admin.api.settings.update.mutate({ isAutoApprovingAccounts: true });
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
	const { accounts } = await portal.admin.api.accounts.list.query({ status: 'pending' });
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

test('the name and the support address are in the next e-mail and on every open page', async () => {
	const page = await portal.visitor().listen();
	await page.hears('settings');
	await change({ name: 'Acme Developers', supportEmail: ' Help@Acme.Example ' });
	await page.until(() => page.words.filter((word) => word === 'settings').length === 2, 'the new settings');
	const person = await portal.person({ isFrontDoor: true });
	const mail = await portal.smtp.waitFor(({ to }) => JSON.stringify(to).includes(person.email));
	expect(mail.from?.value[0]?.name).toBe('Acme Developers');
	expect(mail.text?.replace(/\s+/g, ' ')).toContain('Questions? Write to help@acme.example.');
	const html = await (await portal.visitor().request('/login')).text();
	expect(html).toContain('<title>Sign in · Acme Developers</title>');
	await change({ supportEmail: null });
	const next = await portal.person({ isFrontDoor: true });
	const second = await portal.smtp.waitFor(({ to }) => JSON.stringify(to).includes(next.email));
	expect(second.text).not.toContain('Questions?');
});

test('an invitation lasts as many days as are set when it is sent', async () => {
	const company = await portal.company({ admin: portal.admin });
	const daysOf = async () =>
		(Date.parse((await portal.invitation(company)).expiresAt) - Date.now()) / 86_400_000;
	await change({ invitationDays: 30 });
	expect(await daysOf()).toBeCloseTo(30, 1);
	await change({ invitationDays: 1 });
	expect(await daysOf()).toBeCloseTo(1, 1);
});

test('an organization holds no more members and open invitations than the limit, also at once', async () => {
	const company = await portal.company({ admin: portal.admin });
	await change({ maxMembers: 4 });
	const invite = () =>
		company.owner.api.invitations.create.mutate({
			organizationId: company.id,
			firstName: 'In',
			lastName: 'Vitee',
			email: uniqueEmail(),
			role: 'team_member'
		});
	const answers = await Promise.allSettled(Array.from({ length: 8 }, invite));
	expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
	expect(await refusal(invite())).toMatchObject({ status: 409, reason: 'TOO_MANY_MEMBERS' });
	await change({ maxMembers: 5 });
	await invite();
});

test('what makes no sense is refused at its field, and nothing of the same form is changed', async () => {
	const wrong = [
		[{ name: ' ' }, 'name'],
		[{ name: 'See https://evil.example' }, 'name'],
		[{ supportEmail: 'nobody' }, 'supportEmail'],
		[{ invitationDays: 0 }, 'invitationDays'],
		[{ invitationDays: 31 }, 'invitationDays'],
		[{ invitationDays: 1.5 }, 'invitationDays'],
		[{ invitationDays: NaN }, 'invitationDays'],
		[{ maxMembers: 10_001 }, 'maxMembers'],
		[{ retentionDays: 0 }, 'retentionDays']
	] as const;
	for (const [values, field] of wrong) {
		const refused = await refusal(change({ canRegister: false, ...values }));
		expect(refused.status, JSON.stringify(values)).toBe(400);
		expect(Object.keys(refused.fields)).toEqual([field]);
	}
	expect((await portal.visitor().api.sessions.get.query({})).settings).toEqual(fresh);
});

test('who changed what is listed, the latest first', async () => {
	await change({ maxMembers: 50 });
	await change({ canSignIn: false });
	const changes = await portal.admin.api.settings.listChanges.query({});
	expect(changes.slice(0, 2)).toMatchObject([
		{ name: 'settings.updated', actor: { name: 'Portal Admin' }, payload: { changed: ['canSignIn'] } },
		{ name: 'settings.updated', payload: { changed: ['maxMembers'], settings: { maxMembers: 50 } } }
	]);
	expect(changes.length).toBeLessThanOrEqual(20);
});

test('a portal admin who wants none gets no e-mails about requests', async () => {
	const [admin] = await portal.admin.api.accounts.listAdmins.query({});
	const accountId = admin?.id ?? '';
	expect(admin).toMatchObject({ email: 'admin@example.test', isNotified: true });
	await portal.admin.api.accounts.setNotified.mutate({ accountId, isNotified: false });
	const unheard = await portal.company();
	await portal.admin.api.accounts.setNotified.mutate({ accountId, isNotified: true });
	const heard = await portal.company();
	await portal.smtp.waitFor(({ subject }) => subject === `${heard.name} asks to join`);
	const got = portal.smtp.messages.filter((mail) => getRecipients(mail).includes('admin@example.test'));
	expect(got.some(({ subject }) => subject === `${unheard.name} asks to join`)).toBe(false);
	const { userId } = await portal.person();
	const nobody = portal.admin.api.accounts.setNotified.mutate({ accountId: userId, isNotified: false });
	expect(await refusal(nobody)).toMatchObject({ status: 404 });
});
