import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import {
	isSignedIn,
	password,
	refusal,
	getPortal,
	unique,
	uniqueEmail,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const next = 'another good password';
const approved = () => portal.company({ admin: portal.admin });
const open = async (company: Company, by: Visitor = company.owner) =>
	(await by.api.organizations.open.query({ slug: company.slug })).snapshot;

const reset = (token: string, secret = next) =>
	portal.visitor().api.accounts.reset.mutate({ token, password: secret });
const stateOf = async (token: string) =>
	(await portal.visitor().api.accounts.openReset.query({ token })).state;

/** Lets the verification link of the person end now. */
const expire = (accountId: string) =>
	portal.inDatabase((db) =>
		db
			.updateTable('accountLink')
			.set({ expiresAt: new Date(Date.now() - 1000) })
			.where('accountId', '=', accountId)
			.where('kind', '=', 'verification')
			.execute()
	);

describe('proving an address', () => {
	const openEmail = (token: string, by: Visitor = portal.visitor()) =>
		by.api.accounts.openEmail.query({ token });

	test('takes a press, works once and for seven days, and only with the newest link', async () => {
		const person = await portal.person({ isVerified: false });
		const first = await portal.tokenFor(person.email, 'verify-email');
		await person.api.accounts.resendVerification.mutate({});
		const token = await portal.tokenFor(person.email, 'verify-email', first);
		for (let i = 0; i < 5; i++) {
			for (const method of ['GET', 'HEAD']) {
				const answer = await portal.visitor().request(`/verify-email/${token}`, { method });
				expect(answer.headers.get('location')).toMatch(/^\/verify-email\?link=[0-9a-f]{16}$/);
				expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
			}
		}
		expect((await person.api.sessions.get.query({})).account?.isEmailVerified).toBe(false);
		expect((await openEmail(first)).state).toBe('invalid');
		const other = await portal.person();
		expect(await openEmail(token, other)).toMatchObject({
			state: 'valid',
			email: person.email,
			signedInAs: other.email
		});
		const verify = (one: string) => portal.visitor().api.accounts.verifyEmail.mutate({ token: one });
		const answers = await Promise.allSettled(Array.from({ length: 10 }, () => verify(token)));
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		expect((await openEmail(token)).state).toBe('used');
		// The proof came from elsewhere: it is not known whether who registered is who has proven it.
		expect(await isSignedIn(person)).toBe(false);
	});

	test('can be asked for again when the link has expired, five times an hour', async () => {
		const person = await portal.person({ isVerified: false });
		const token = await portal.tokenFor(person.email, 'verify-email');
		await expire(person.userId);
		expect((await openEmail(token)).state).toBe('expired');
		const late = portal.visitor().api.accounts.verifyEmail.mutate({ token });
		expect(await refusal(late)).toMatchObject({ status: 409, reason: 'LINK_EXPIRED' });
		const asking = Array.from({ length: 8 }, () => person.api.accounts.resendVerification.mutate({}));
		const answers = await Promise.allSettled(asking);
		// With the one that came by itself, five an hour.
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
	});
});

describe('the own e-mail address', () => {
	const change = (person: Person, email: string, currentPassword = password) =>
		person.api.accounts.changeEmail.mutate({ currentPassword, email });

	test('changes once the new one is proven; the old one hears of it twice, teammates see it at once', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const other = await approved();
		const invitation = await portal.invitation(other, { email: member.email });
		const oldReset = await portal.askForReset(member.email);
		const email = uniqueEmail();
		expect((await refusal(change(member, email, 'wrong password'))).fields).toHaveProperty('currentPassword');
		expect((await refusal(change(member, member.email))).fields).toHaveProperty('email');
		await change(member, ` ${email.toUpperCase()} `);
		const token = await portal.tokenFor(email, 'verify-email');
		expect(await portal.mailTo(member.email, 'Your e-mail address is about to change')).toContain(email);
		expect((await member.api.accounts.openProfile.query({})).change).toMatchObject({ email });
		expect((await member.api.sessions.get.query({})).account?.email).toBe(member.email);
		await portal.signIn(member.email);

		const before = await open(company);
		const watching = await company.owner.listen();
		await watching.hears('online');
		// The link alone proves the address, and not that its owner is whoever wants it for their account.
		const byNobody = refusal(portal.visitor().api.accounts.verifyEmail.mutate({ token }));
		expect(await byNobody).toMatchObject({ status: 403, reason: 'SIGN_IN' });
		const byAnother = refusal(company.owner.api.accounts.verifyEmail.mutate({ token }));
		expect(await byAnother).toMatchObject({ status: 403, reason: 'SIGN_IN' });
		await member.api.accounts.verifyEmail.mutate({ token });
		await watching.hears('member.updated');
		const fresh = await open(company);
		expect(fresh.members.map((one) => one.email)).toContain(email);
		const events = watching.events.filter(({ seq }) => seq > before.seq);
		expect(events.reduce(applyOrganization, before)).toEqual(fresh);
		expect(await portal.mailTo(member.email, 'Your e-mail address was changed')).toContain(email);
		expect((await member.api.sessions.get.query({})).account).toMatchObject({ email, isEmailVerified: true });
		await portal.signIn(email);
		expect(await refusal(portal.signIn(member.email))).toMatchObject({ status: 400 });
		expect(await stateOf(oldReset)).toBe('invalid');
		expect((await open(other)).invitations.map(({ id }) => id)).toContain(invitation.id);
		expect((await portal.visitor().api.invitations.open.query({ token: invitation.token })).state).toBe(
			'pending'
		);
	});

	test('that belongs to somebody gives no sign of it: its owner is told, and nothing can change', async () => {
		const [person, owner] = [await portal.person(), await portal.person()];
		const free = uniqueEmail();
		expect(await change(person, owner.email)).toEqual(await change(person, free));
		await change(person, owner.email);
		expect((await person.api.accounts.openProfile.query({})).change).toMatchObject({ email: owner.email });
		expect(await portal.mailTo(owner.email, 'You already have an account')).not.toContain('verify-email');
		// Whoever takes it while the link is on its way wins.
		const wanted = uniqueEmail();
		await change(person, wanted);
		const token = await portal.tokenFor(wanted, 'verify-email');
		await portal.person({ email: wanted, isVerified: false });
		const late = person.api.accounts.verifyEmail.mutate({ token });
		expect(await refusal(late)).toMatchObject({ status: 409, reason: 'TAKEN' });
		expect((await person.api.sessions.get.query({})).account?.email).toBe(person.email);
	});

	test('stays when the change is cancelled, or a new password is set', async () => {
		const person = await portal.person();
		const email = uniqueEmail();
		await change(person, email);
		const first = await portal.tokenFor(email, 'verify-email');
		await person.api.accounts.cancelEmailChange.mutate({});
		const verify = (token: string) => portal.visitor().api.accounts.verifyEmail.mutate({ token });
		expect(await refusal(verify(first))).toMatchObject({ status: 404 });
		await change(person, email);
		const second = await portal.tokenFor(email, 'verify-email', first);
		await person.api.accounts.changePassword.mutate({ currentPassword: password, password: next });
		expect(await refusal(verify(second))).toMatchObject({ status: 404 });
		expect((await person.api.accounts.openProfile.query({})).change).toBeNull();
	});
});

test('a name changes for the account and its own space; companies keep theirs', async () => {
	const company = await approved();
	const member = await portal.member(company);
	await member.api.accounts.rename.mutate({ firstName: 'Renée', lastName: 'Renamed' });
	const { account, organizations } = await member.api.sessions.get.query({});
	expect(account).toMatchObject({ firstName: 'Renée', lastName: 'Renamed' });
	expect((await open(company)).members.map((one) => one.lastName)).toContain(member.lastName);
	const space = organizations.find(({ isPersonal }) => isPersonal);
	const { snapshot } = await member.api.organizations.open.query({ slug: space?.slug ?? '' });
	expect(snapshot.members).toMatchObject([{ firstName: 'Renée', lastName: 'Renamed' }]);
	const refused = await refusal(member.api.accounts.rename.mutate({ firstName: ' ', lastName: '' }));
	expect(refused.fields).toHaveProperty('firstName');
});

describe('deleting the own account', () => {
	const remove = (person: Person, given: { email?: string; currentPassword?: string } = {}) =>
		person.api.accounts.deleteOwn.mutate({ email: person.email, currentPassword: password, ...given });

	test('asks for password and address, takes the own space along and says farewell', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const application = await portal.application(company, member);
		const { organizations } = await member.api.sessions.get.query({});
		const space = organizations.find(({ isPersonal }) => isPersonal);
		const [watching, theirs] = [await company.owner.listen(), await member.listen()];
		await Promise.all([watching.hears('online'), theirs.hears('online')]);
		expect((await refusal(remove(member, { email: company.owner.email }))).fields).toHaveProperty('email');
		const wrong = await refusal(remove(member, { currentPassword: 'wrong password' }));
		expect(wrong.fields).toHaveProperty('currentPassword');
		expect(await isSignedIn(member)).toBe(true);

		await remove(member);
		await Promise.all([watching.hears('member.left'), theirs.hears('ended'), theirs.hears('disconnect')]);
		expect(member.jar.has('portico')).toBe(false);
		expect(await refusal(portal.signIn(member.email))).toMatchObject({ status: 400 });
		expect((await open(company)).applications).toMatchObject([
			{ id: application.id, createdBy: { id: member.userId, name: `${member.firstName} ${member.lastName}` } }
		]);
		const left = await portal.inDatabase((db) =>
			db
				.selectFrom('organization')
				.select('id')
				.where('slug', '=', space?.slug ?? '')
				.execute()
		);
		expect(left).toEqual([]);
		expect(await portal.mailTo(member.email, 'Your account at Portico is deleted')).toContain(
			'gone for good'
		);
	});

	test('is refused to the last Super admin of companies, which are named, and to the last portal admin', async () => {
		const first = await approved();
		const second = await portal.company({ owner: first.owner, admin: portal.admin });
		const { obstacles } = await first.owner.api.accounts.openProfile.query({});
		expect(obstacles).toHaveLength(1);
		for (const { name } of [first, second]) expect(obstacles[0]).toContain(name);
		const refused = await refusal(remove(first.owner));
		expect(refused).toMatchObject({ status: 409, reason: 'LAST_SUPER_ADMIN', message: obstacles[0] });
		await portal.member(first, 'super_admin');
		await portal.member(second, 'super_admin');
		expect((await first.owner.api.accounts.openProfile.query({})).obstacles).toEqual([]);
		await remove(first.owner);

		const alone = portal.admin.api.accounts.deleteOwn.mutate({
			email: 'admin@example.test',
			currentPassword: 'a password for tests'
		});
		expect(await refusal(alone)).toMatchObject({ status: 409, reason: 'LAST_ADMIN' });
	});
});

test('nobody registers after the switch is off, by the number of the event', async () => {
	const watching = await portal.admin.listen();
	await watching.hears('settings');
	const before = watching.events.length;
	const registering = Array.from({ length: 12 }, () =>
		portal
			.visitor()
			.api.accounts.register.mutate({ firstName: 'In', lastName: 'Time', email: uniqueEmail(), password })
	);
	await portal.admin.api.settings.update.mutate({ canRegister: false });
	await Promise.allSettled(registering);
	await portal.admin.api.settings.update.mutate({ canRegister: true });
	const isSwitch = ({ name }: { name: string }) => name === 'settings.updated';
	await watching.until(() => watching.events.slice(before).filter(isSwitch).length === 2, 'both switches');
	const names = watching.events.slice(before).map(({ name }) => name);
	const [off, on] = [names.indexOf('settings.updated'), names.lastIndexOf('settings.updated')];
	expect(names.slice(off + 1, on)).not.toContain('account.registered');
});

test('no password, token or hash is in the log, an event, the activity or the mailbox', async () => {
	const secret = unique('a very own secret');
	const person = await portal.person();
	const tokens = [await portal.askForReset(person.email)];
	await portal.visitor().request(`/reset-password/${tokens[0]}`);
	await reset(tokens[0] ?? '', secret);
	await person.api.sessions.create.mutate({ email: person.email, password: secret });
	const email = uniqueEmail();
	await person.api.accounts.changeEmail.mutate({ currentPassword: secret, email });
	tokens.push(await portal.tokenFor(email, 'verify-email'));
	await portal.visitor().request(`/verify-email/${tokens[1]}`);
	await person.api.accounts.verifyEmail.mutate({ token: tokens[1] ?? '' });
	const cookies = [...person.jar.values()];
	await person.api.accounts.changePassword.mutate({ currentPassword: secret, password: `${secret} 2` });
	const { api } = portal.admin;
	const stored = await portal.inDatabase(async (db) => [
		await db.selectFrom('event').selectAll().execute(),
		await db.selectFrom('message').selectAll().execute(),
		await db.selectFrom('accountLink').selectAll().execute(),
		await db.selectFrom('session').selectAll().execute(),
		await db.selectFrom('knownDevice').selectAll().execute()
	]);
	const shown = [
		await api.activity.listPortal.query({}),
		await api.messages.list.query({}),
		await api.accounts.list.query({ search: email }),
		await person.api.sessions.list.query({}),
		await person.api.accounts.openProfile.query({})
	];
	const everything = `${portal.server.logs}${JSON.stringify([stored, shown])}`;
	expect(cookies).toHaveLength(2);
	for (const one of [secret, ...tokens, ...cookies]) expect(everything).not.toContain(one);
	expect(`${portal.server.logs}${JSON.stringify(shown)}`).not.toMatch(/\$argon2|[0-9a-f]{64}/);
});
