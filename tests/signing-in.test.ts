import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fullName } from '#lib/views.ts';
import { password, refusal, getPortal, uniqueEmail, type Portal, type Visitor } from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

/** The subject of the first e-mail to an address. */
const welcomeOf = async (email: string) =>
	(await portal.smtp.waitFor((mail) => getRecipients(mail).includes(email))).subject ?? '';

describe('registering and signing in', () => {
	test('answer the same for a known and for a free address', async () => {
		const known = await portal.person();
		const input = { firstName: 'Some', lastName: 'Body', password };
		const visitor = portal.visitor();
		const first = await visitor.api.accounts.register.mutate({ ...input, email: known.email });
		const second = await visitor.api.accounts.register.mutate({ ...input, email: uniqueEmail() });
		expect(first).toEqual(second);
		const wrong = { password: 'not the password' };
		const a = await refusal(visitor.api.sessions.create.mutate({ email: known.email, ...wrong }));
		const b = await refusal(visitor.api.sessions.create.mutate({ email: uniqueEmail(), ...wrong }));
		expect(a).toEqual(b);
		expect(a.status).toBe(400);
	});

	test('of a known address leave its password as it is', async () => {
		const known = await portal.person();
		await portal.visitor().api.accounts.register.mutate({
			firstName: 'Mal',
			lastName: 'Lory',
			email: known.email.toUpperCase(),
			password: 'another password'
		});
		const signIn = portal.visitor().api.sessions.create;
		expect((await refusal(signIn.mutate({ email: known.email, password: 'another password' }))).status).toBe(
			400
		);
		await signIn.mutate({ email: known.email, password });
	});

	test('take an address with an apostrophe, as it was pasted, and find it as it is typed otherwise', async () => {
		const visitor = portal.visitor();
		const email = `pat.o'brien.${uniqueEmail()}`;
		const person = { firstName: '\u200bPat\u200e', lastName: 'O’Brien', password };
		await visitor.api.accounts.register.mutate({ ...person, email: `\ufeff<mailto:${email}>,` });
		const text = await portal.mailTo(email, await welcomeOf(email));
		expect(text).toContain('Hello Pat, welcome');
		for (const typed of [email.toUpperCase(), `${email}\u200b`, `mailto:${email}`]) {
			await portal.visitor().api.sessions.create.mutate({ email: typed, password });
		}
	});

	test.each([
		['Sukarno', ''],
		['', 'Sukarno']
	])('take one name alone (“%s”, “%s”), and greet by it', async (firstName, lastName) => {
		const visitor = portal.visitor();
		const email = uniqueEmail();
		await visitor.api.accounts.register.mutate({ firstName, lastName, email, password });
		const text = await portal.mailTo(email, await welcomeOf(email));
		expect(text).toContain('Hello Sukarno, welcome');
		await visitor.api.sessions.create.mutate({ email, password });
		const { account } = await visitor.api.sessions.get.query({});
		expect(account && fullName(account)).toBe('Sukarno');
		const renamed = { firstName: '', lastName: 'Suharto' };
		expect(await visitor.api.accounts.rename.mutate(renamed)).toMatchObject(renamed);
		const refused = await refusal(visitor.api.accounts.rename.mutate({ firstName: ' ', lastName: '\u200b' }));
		expect(refused).toMatchObject({ status: 400, fields: { firstName: 'The first name is missing.' } });
	});

	test('take a password composed or decomposed', async () => {
		const email = uniqueEmail();
		const [composed, decomposed] = ['un mot de pass\u00e9', 'un mot de passe\u0301'];
		const person = { firstName: 'Ana', lastName: 'Lind', email };
		await portal.visitor().api.accounts.register.mutate({ ...person, password: decomposed });
		for (const password of [composed, decomposed])
			await portal.visitor().api.sessions.create.mutate({ email, password });
	});

	test('are limited, also when all attempts come at once', async () => {
		const { email } = await portal.person();
		const visitor = portal.visitor();
		const attempts = Array.from({ length: 20 }, () =>
			refusal(visitor.api.sessions.create.mutate({ email, password: 'wrong password' }))
		);
		const statuses = (await Promise.all(attempts)).map(({ status }) => status);
		// Ten in fifteen minutes; that the person has signed in is none of them.
		expect(statuses.filter((status) => status === 400)).toHaveLength(10);
		expect(statuses.filter((status) => status === 429)).toHaveLength(10);
	});
});

describe('what limits guessing', () => {
	const wrong = (email: string, by = portal.visitor()) =>
		refusal(by.api.sessions.create.mutate({ email, password: 'wrong password' }));
	const right = (email: string, by: Visitor) => by.api.sessions.create.mutate({ email, password });

	test('keeps nobody out of a browser that the account knows, and limits that browser by itself', async () => {
		const person = await portal.person();
		for (let i = 0; i < 10; i++) expect((await wrong(person.email)).status).toBe(400);
		expect(await refusal(right(person.email, portal.visitor()))).toMatchObject({ status: 429 });
		await person.api.sessions.delete.mutate({});
		await right(person.email, person);
		const own = await Promise.all(Array.from({ length: 30 }, () => wrong(person.email, person)));
		expect(own.filter(({ status }) => status === 400)).toHaveLength(10);
		expect(await refusal(right(person.email, person))).toMatchObject({ status: 429 });
		// A cookie that the account doesn't know is none of its browsers.
		const stranger = await portal.person();
		expect((await wrong(person.email, stranger)).status).toBe(429);
	});

	test('refuses nobody who is right, also where one guess is left and several come at once', async () => {
		const person = await portal.person();
		for (let i = 0; i < 9; i++) await wrong(person.email);
		await Promise.all(Array.from({ length: 8 }, () => right(person.email, portal.visitor())));
	});

	test('of an address answers alike, whether it has an account', async () => {
		const [known, unknown] = [(await portal.person()).email, uniqueEmail()];
		for (let i = 0; i < 10; i++) await Promise.all([wrong(known), wrong(unknown)]);
		expect(await wrong(known)).toEqual(await wrong(unknown));
	});

	test('ends with a reset', async () => {
		const person = await portal.person();
		for (let i = 0; i < 11; i++) await wrong(person.email);
		for (let i = 0; i < 11; i++) await wrong(person.email, person);
		const token = await portal.askForReset(person.email);
		const fresh = portal.visitor();
		await fresh.api.accounts.reset.mutate({ token, password });
		await right(person.email, portal.visitor());
		await right(person.email, person);
		// Who goes on guessing keeps the owner out of no browser in which they have shown that they are.
		for (let i = 0; i < 11; i++) await wrong(person.email);
		expect(await refusal(right(person.email, portal.visitor()))).toMatchObject({ status: 429 });
		await right(person.email, fresh);
	});

	test('counts no success: seventy colleagues behind one address register, join and sign in', async () => {
		const company = await portal.company({ admin: portal.admin });
		await portal.admin.api.settings.update.mutate({ invitationsPerDay: 500, invitationsPerInviter: 500 });
		await portal.admin.api.settings.update.mutate({ maxOpenInvitations: 500, maxMembers: 500 });
		const office = '198.51.100.7';
		const colleagues = Array.from({ length: 70 }, () => portal.visitor(office));
		const emails = colleagues.map(uniqueEmail);
		await company.owner.api.invitations.createMany.mutate({
			organizationId: company.id,
			rows: emails.map((email) => ({ firstName: 'Col', lastName: 'League', email, role: 'team_member' }))
		});
		const tokens = await Promise.all(emails.map((email) => portal.tokenFor(email, 'invitations')));
		// A few at a time: how many wait for their turn is tried elsewhere.
		for (let i = 0; i < colleagues.length; i += 5) {
			const few = colleagues.slice(i, i + 5).map(async (one, index) => {
				const email = emails[i + index] ?? '';
				await one.api.invitations.accept.mutate({ token: tokens[i + index] ?? '', password });
				await right(email, portal.visitor(office));
				const names = { firstName: 'A', lastName: 'B' };
				await one.api.accounts.register.mutate({ ...names, email: uniqueEmail(), password });
			});
			await Promise.all(few);
		}
		// Guesses at links and at passwords of anybody are limited as ever.
		const guesser = portal.visitor(office);
		const guesses = Array.from({ length: 100 }, () =>
			refusal(guesser.api.invitations.accept.mutate({ token: 'x'.repeat(43), password }))
		);
		const statuses = (await Promise.all(guesses)).map(({ status }) => status);
		expect(statuses.filter((status) => status === 404)).toHaveLength(60);
		expect(statuses.filter((status) => status === 429)).toHaveLength(40);
	});
});
