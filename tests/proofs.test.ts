import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
	adminPassword,
	isSignedIn,
	password,
	refusal,
	startPortal,
	unique,
	uniqueEmail,
	type Person,
	type Portal
} from './factories.ts';
import { startServer } from './harness.ts';
import { getRecipients } from './smtp.ts';

/** Who registers an address before its owner does: the owner comes, and finds nothing of theirs in force. */

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
const next = 'the owner’s password';
let portal: Portal;
beforeAll(async () => {
	portal = await startPortal({ GATEWAY_TOKEN: gatewayToken });
});
afterAll(() => portal.stop());

async function isActive(secret: string): Promise<boolean> {
	const response = await fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams({ token: secret }),
		headers: { authorization: `Bearer ${gatewayToken}` }
	});
	return ((await response.json()) as { active: boolean }).active;
}

/** Makes an application in the personal space, and sees its key. */
async function showKey(person: Person): Promise<string> {
	const { organizations } = await person.api.sessions.get.query({});
	const organizationId = organizations.find(({ isPersonal }) => isPersonal)?.id ?? '';
	const application = await person.api.applications.create.mutate({
		organizationId,
		name: unique('Application'),
		description: ''
	});
	const credentialId = application.credentials[0]?.id ?? '';
	const place = { organizationId, applicationId: application.id, credentialId };
	return (await person.api.credentials.reveal.mutate(place)).secret;
}

async function squat() {
	const squatter = await portal.person({ isVerified: false });
	return { squatter, secret: await showKey(squatter) };
}

async function expectGone(squatter: Person, secret: string) {
	expect(await isSignedIn(squatter)).toBe(false);
	expect(await refusal(portal.signIn(squatter.email))).toMatchObject({ status: 400 });
	expect(await isActive(secret)).toBe(false);
	expect(await portal.mailTo(squatter.email, 'Credentials of your account were revoked')).toContain(
		'Default'
	);
}

describe('when the owner of an address comes', () => {
	test('by its confirmation, sessions, password and keys of whoever registered it end', async () => {
		const { squatter, secret } = await squat();
		const token = await portal.tokenFor(squatter.email, 'verify-email');
		const owner = portal.visitor();
		const { resetToken } = await owner.api.accounts.verifyEmail.mutate({ token });
		await expectGone(squatter, secret);
		await owner.api.accounts.reset.mutate({ token: resetToken ?? '', password: next });
		await portal.signIn(squatter.email, next);
		// An invitation that comes now is the owner's alone.
		const company = await portal.company({ admin: portal.admin });
		const invitation = await portal.invitation(company, { email: squatter.email });
		const { api } = squatter;
		expect(await refusal(api.invitations.acceptMine.mutate({ invitationId: invitation.id }))).toMatchObject({
			status: 401
		});
	});

	test('by a reset, likewise', async () => {
		const { squatter, secret } = await squat();
		const token = await portal.askForReset(squatter.email);
		await portal.visitor().api.accounts.reset.mutate({ token, password: next });
		await expectGone(squatter, secret);
	});

	test('by an invitation, likewise', async () => {
		const { squatter, secret } = await squat();
		const company = await portal.company({ admin: portal.admin });
		const { token } = await portal.invitation(company, { email: squatter.email });
		await portal.visitor().api.invitations.accept.mutate({ token, password: next });
		await expectGone(squatter, secret);
	});

	test('as whoever is signed in right there, they keep session, password and keys; others are out', async () => {
		const person = await portal.person({ isVerified: false });
		const secret = await showKey(person);
		const token = await portal.tokenFor(person.email, 'verify-email');
		expect(await person.api.accounts.verifyEmail.mutate({ token })).toMatchObject({ resetToken: null });
		expect(await isSignedIn(person)).toBe(true);
		expect(await isActive(secret)).toBe(true);

		const two = await squat();
		const other = portal.visitor();
		await other.api.sessions.create.mutate({ email: two.squatter.email, password });
		const proof = await portal.tokenFor(two.squatter.email, 'verify-email');
		await other.api.accounts.verifyEmail.mutate({ token: proof });
		expect([await isSignedIn(other), await isSignedIn(two.squatter)]).toEqual([true, false]);
		expect(await isActive(two.secret)).toBe(false);
	});
});

describe('the portal admin that the environment names', () => {
	const person = { firstName: 'Mal', lastName: 'Lory', password };

	test('takes over an account that nobody has proven; one that somebody has stops the start, in words', async () => {
		await using server = await startServer({
			database: inject('database'),
			isPrepared: true,
			env: { SMTP_URL: portal.smtp.url }
		});
		const post = (path: string, input: object) =>
			fetch(`${server.origin}/trpc/${path}`, {
				method: 'POST',
				body: JSON.stringify(input),
				headers: { origin: server.origin, 'content-type': 'application/json' }
			});
		const addresses = ['boss@provider.test', 'proven@provider.test'];
		for (const email of addresses) await post('accounts.register', { ...person, email });
		const mail = await portal.smtp.waitFor(
			(one) =>
				(one.text ?? '').includes(`${server.origin}/verify-email/`) &&
				JSON.stringify(one.to).includes('proven@provider.test')
		);
		const token = /verify-email\/([\w-]{43})/.exec(mail.text ?? '')?.[1];
		expect((await post('accounts.verifyEmail', { token })).status).toBe(200);
		await server.stop();

		const again = (PORTAL_ADMIN_EMAIL: string) =>
			startServer({
				database: inject('database'),
				env: {
					DATA_FOLDER: server.dataFolder,
					...(server.databaseUrl && { DATABASE_URL: server.databaseUrl }),
					PORTAL_ADMIN_EMAIL,
					PORTAL_ADMIN_PASSWORD: adminPassword
				}
			});
		const refused = await again('proven@provider.test').then(
			async (started) => `${await started.dispose()} it started`,
			(error: Error) => error.message
		);
		expect(refused).toContain('PORTAL_ADMIN_EMAIL: proven@provider.test has an account already');
		await using taken = await again('boss@provider.test');
		const signIn = (secret: string) =>
			fetch(`${taken.origin}/trpc/sessions.create`, {
				method: 'POST',
				body: JSON.stringify({ email: 'boss@provider.test', password: secret }),
				headers: { origin: taken.origin, 'content-type': 'application/json' }
			});
		expect((await signIn(password)).status).toBe(400);
		expect(await (await signIn(adminPassword)).text()).toContain('/admin');
	});
});

describe('where no mail server is set up', () => {
	test('a request goes through, marked, and is never approved by itself', async () => {
		const quiet = await startPortal({ SMTP_URL: '' });
		try {
			await quiet.admin.api.settings.update.mutate({ isAutoApprovingOrganizations: true });
			const owner = await quiet.person({ isVerified: false });
			const { id } = await owner.api.organizations.request.mutate({ name: 'Quiet Company' });
			const { organization } = await quiet.admin.api.organizations.get.query({ organizationId: id });
			expect(organization).toMatchObject({ status: 'pending', requestedBy: { isProven: false } });
			const { messages } = await quiet.admin.api.messages.list.query({ search: 'admin@example.test' });
			const message = messages.find(({ subject }) => subject === 'Quiet Company asks to join');
			// Its text can be read once the worker has put it into the mailbox.
			const read = () => quiet.admin.api.messages.get.query({ messageId: message?.id ?? '' });
			await expect
				.poll(async () => JSON.stringify(await read()))
				.toContain('Nobody has confirmed this address.');
			await quiet.admin.api.organizations.approve.mutate({ organizationId: id, name: 'Quiet Company' });
		} finally {
			await quiet.stop();
		}
	});
});

describe('joining while signing in is switched off', () => {
	test('makes a member and no session', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { token, email } = await portal.invitation(company);
		await portal.admin.api.settings.update.mutate({ canSignIn: false });
		try {
			const visitor = portal.visitor();
			const joined = await visitor.api.invitations.accept.mutate({ token, password });
			expect(joined).toEqual({ slug: company.slug, isSignedIn: false });
			expect(await isSignedIn(visitor)).toBe(false);
			const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
			expect(snapshot.members.map((one) => one.email)).toContain(email);
		} finally {
			await portal.admin.api.settings.update.mutate({ canSignIn: true });
		}
		await portal.signIn(email);
	});
});

describe('a decision about an organization', () => {
	test('is refused while whoever asked for it is not active', async () => {
		const company = await portal.company();
		const { approve } = portal.admin.api.organizations;
		await portal.admin.api.accounts.deactivate.mutate({ accountId: company.owner.userId });
		expect(await refusal(approve.mutate({ organizationId: company.id }))).toMatchObject({
			status: 409,
			reason: 'NO_SUPER_ADMIN'
		});
		await portal.admin.api.accounts.activate.mutate({ accountId: company.owner.userId });
		await approve.mutate({ organizationId: company.id });
	});

	test('is refused when its name is no longer the one that was shown', async () => {
		const company = await portal.company();
		await company.owner.api.organizations.rename.mutate({
			organizationId: company.id,
			name: unique('Renamed')
		});
		const shown = { organizationId: company.id, name: company.name };
		for (const decide of ['approve', 'reject'] as const) {
			const refused = await refusal(portal.admin.api.organizations[decide].mutate(shown));
			expect(refused).toMatchObject({ status: 409, reason: 'RENAMED' });
		}
	});
});

describe('an invitation that is accepted', () => {
	const names = { firstName: 'In', lastName: 'Vitee' };

	test('while the address is registered, or another one accepted, is never an error of the server', async () => {
		const companies = await Promise.all([0, 1].map(() => portal.company({ admin: portal.admin })));
		for (let round = 0; round < 4; round++) {
			const email = uniqueEmail();
			const tokens = [];
			for (const company of companies) tokens.push((await portal.invitation(company, { email })).token);
			const accepting = tokens.map((token) =>
				portal.visitor().api.invitations.accept.mutate({ token, password, ...names })
			);
			const registering = portal.visitor().api.accounts.register.mutate({ ...names, email, password });
			const answers = await Promise.allSettled([...accepting, registering]);
			const statuses = answers.map((answer) =>
				answer.status === 'fulfilled'
					? 200
					: (answer.reason as { data?: { httpStatus: number } }).data?.httpStatus
			);
			// One of them makes the account its own; the other one is told to sign in as it.
			expect(statuses.slice(0, 2).toSorted()).toEqual([200, 403]);
			expect(statuses[2]).toBe(200);
		}
	});
});

test('the right link gets in, however often others behind the same address were wrong', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { token } = await portal.invitation(company);
	const office = '198.51.100.99';
	const guesser = portal.visitor(office);
	const guess = () => guesser.api.invitations.decline.mutate({ token: 'x'.repeat(43) });
	const statuses = await Promise.all(Array.from({ length: 70 }, async () => (await refusal(guess())).status));
	expect(statuses.filter((status) => status === 429)).toHaveLength(10);
	await portal.visitor(office).api.invitations.accept.mutate({ token, password });
});

test('a mailbox with many addresses is one mailbox for what strangers have sent to it', async () => {
	const [local, domain] = uniqueEmail().split('@');
	const of = (tag: number) => `${local}+${tag}@${domain}`;
	for (let tag = 0; tag < 8; tag++) {
		const person = { firstName: 'Some', lastName: 'Body', email: of(tag), password };
		await portal.visitor().api.accounts.register.mutate(person);
	}
	const got = () =>
		portal.smtp.messages.filter((mail) => getRecipients(mail).some((one) => one.startsWith(`${local}+`)));
	await expect.poll(() => got().length).toBe(5);
	const last = await portal.person({ isVerified: false });
	await portal.tokenFor(last.email, 'verify-email');
	expect(got()).toHaveLength(5);
});
