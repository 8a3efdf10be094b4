import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rules } from '#lib/policy.ts';
import { catalogue } from '../emails/catalogue.ts';
import { password, refusal, getPortal, unique, uniqueEmail, type Company, type Portal } from './factories.ts';
import { changesPerMinute } from './setup/prepare.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

/** Puts what was counted under such keys at this number, as if so much had happened. */
const setCounted = (pattern: string, count: number) =>
	portal.inDatabase((db) =>
		db.updateTable('rateLimit').set({ count }).where('key', 'like', pattern).execute()
	);

const mailsTo = (address: string) =>
	portal.smtp.messages.filter((one) => getRecipients(one).includes(address)).map(({ subject }) => subject);

/** Once nothing waits to be sent to that address: messages that were caused one after the other may arrive in another order. */
const whenAllAreSent = (address: string) =>
	expect
		.poll(() =>
			portal.inDatabase((db) =>
				db
					.selectFrom('message')
					.select('subject')
					.where('recipient', '=', address)
					.where('state', '=', 'queued')
					.execute()
			)
		)
		.toEqual([]);

/** Everything of these calls in the order of asking: the status of each. */
const statusesOf = (calls: Promise<unknown>[]) =>
	Promise.all(
		calls.map((call) =>
			call.then(
				() => 200,
				async (error: unknown) => (await refusal(Promise.reject(error as Error))).status
			)
		)
	);

describe('what a person may change in a minute', () => {
	let company: Company;
	const rename = (by: Company['owner'] = company.owner) =>
		by.api.accounts.rename.mutate({ firstName: 'Dev', lastName: unique('Name') });

	beforeAll(async () => {
		company = await portal.company({ admin: portal.admin });
		await portal.admin.api.settings.update.mutate({ changesPerPerson: 60, changesPerOrganization: 60 });
	});
	afterAll(() =>
		portal.admin.api.settings.update.mutate({
			changesPerPerson: changesPerMinute,
			changesPerOrganization: changesPerMinute
		})
	);

	test('is bounded, also when they come at once; the refused leave nothing and are told when to come back', async () => {
		const person = await portal.person();
		const statuses = await statusesOf(
			Array.from({ length: 100 }, () => person.api.accounts.rename.mutate({ firstName: 'A', lastName: 'B' }))
		);
		expect(statuses.filter((status) => status === 200)).toHaveLength(60);
		expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
		const ask = (firstName: string) =>
			person.request('/trpc/accounts.rename', {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ firstName, lastName: 'Written' })
			});
		const answer = await ask('Never');
		expect(answer.status).toBe(429);
		const seconds = Number(answer.headers.get('retry-after'));
		expect(seconds).toBeGreaterThan(0);
		expect(seconds).toBeLessThanOrEqual(60);
		const { error } = (await answer.json()) as { error: { data: { retryAfter: number } } };
		expect(error.data.retryAfter).toBe(seconds);
		// What only reads goes on, and so does everybody else.
		const { account } = await person.api.sessions.get.query({});
		expect(account?.firstName).not.toBe('Never');
		await rename(await portal.person());
	});

	test('is taken as it is needed, so that other processes find the rest', async () => {
		const person = await portal.person();
		const statuses = await statusesOf(Array.from({ length: 20 }, () => rename(person)));
		expect(new Set(statuses)).toEqual(new Set([200]));
		const { count } = await portal.inDatabase((db) =>
			db
				.selectFrom('rateLimit')
				.select('count')
				.where('key', '=', `changes:person:${person.userId}`)
				.executeTakeFirstOrThrow()
		);
		// In shares of three.
		expect(count).toBe(21);
	});

	test('is bounded for the organization too: many invitations at once count as many, a stranger as nobody', async () => {
		const stranger = await portal.person();
		const { id: organizationId } = company;
		const foreign = await statusesOf(
			Array.from({ length: 50 }, () =>
				stranger.api.organizations.configure.mutate({ organizationId, isRevealRestricted: true })
			)
		);
		expect(new Set(foreign)).toEqual(new Set([404]));
		const rows = Array.from({ length: 25 }, () => ({
			firstName: 'In',
			lastName: 'Vitee',
			email: 'not an address',
			role: 'team_member' as const
		}));
		const invite = (by = company.owner) => by.api.invitations.createMany.mutate({ organizationId, rows });
		await invite();
		const colleague = await portal.member(company, 'super_admin');
		expect(await statusesOf([invite(colleague)])).toEqual([200]);
		expect(await refusal(invite(colleague))).toMatchObject({ status: 429 });
		// The colleague's own is not used up.
		await rename(colleague);
	});
});

describe('what an organization holds', () => {
	test('is as many applications as the settings say', async () => {
		const company = await portal.company({ admin: portal.admin });
		await portal.admin.api.settings.update.mutate({ maxApplications: 2 });
		const create = () => portal.application(company);
		const statuses = await statusesOf([create(), create(), create(), create()]);
		expect(statuses.toSorted()).toEqual([200, 200, 409, 409]);
		expect(await refusal(create())).toMatchObject({ reason: 'TOO_MANY' });
		await portal.admin.api.settings.update.mutate({ maxApplications: 100 });
		await create();
	});

	test('is 20 credentials of an application that work, also by rotating; what was replaced is not rotated again', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { id: applicationId, credentials } = await portal.application(company);
		const place = { organizationId: company.id, applicationId };
		const { rotate, create } = company.owner.api.credentials;
		const first = credentials[0]?.id ?? '';
		let newest = (await rotate.mutate({ ...place, credentialId: first, overlapSeconds: 3600 })).id;
		const again = rotate.mutate({ ...place, credentialId: first, overlapSeconds: 3600 });
		expect(await refusal(again)).toMatchObject({ status: 409, reason: 'REPLACED' });
		for (let active = 2; active < 20; active++) {
			newest = (await rotate.mutate({ ...place, credentialId: newest, overlapSeconds: 3600 })).id;
		}
		const tooMany = { status: 409, reason: 'TOO_MANY' };
		const one = rotate.mutate({ ...place, credentialId: newest, overlapSeconds: 3600 });
		expect(await refusal(one)).toMatchObject(tooMany);
		expect(await refusal(create.mutate({ ...place, label: 'One more' }))).toMatchObject(tooMany);
		// In place of the old one there is room.
		await rotate.mutate({ ...place, credentialId: newest, overlapSeconds: 0 });
	});
});

describe('organizations', () => {
	test('are asked for ten times a day: the portal admins are written to about each', async () => {
		const { api } = await portal.person();
		for (let round = 0; round < 10; round++) {
			const { id } = await api.organizations.request.mutate({ name: unique('Round') });
			await api.organizations.withdraw.mutate({ organizationId: id });
		}
		const more = api.organizations.request.mutate({ name: unique('Round') });
		expect(await refusal(more)).toMatchObject({ status: 429 });
	});

	test('are not for guessing which names are taken; names that are free count for nothing', async () => {
		const known = await portal.company({ admin: portal.admin });
		const own = await portal.company({ admin: portal.admin });
		const rename = (name: string) =>
			own.owner.api.organizations.rename.mutate({ organizationId: own.id, name });
		for (let i = 0; i < 22; i++) await rename(unique('Free'));
		const guesses = await statusesOf(Array.from({ length: 30 }, () => rename(known.name)));
		expect(guesses.filter((status) => status === 409)).toHaveLength(20);
		expect(guesses.filter((status) => status === 429)).toHaveLength(10);
		const other = own.owner.api.organizations.request.mutate({ name: known.name });
		expect(await refusal(other)).toMatchObject({ status: 429 });
	});
});

describe('what strangers have sent to a person', () => {
	const register = (email: string) =>
		portal.visitor().api.accounts.register.mutate({ email, firstName: 'Some', lastName: 'Body', password });

	test('is five e-mails an hour at most, with the same answer for each; the newest link works', async () => {
		const { email } = await portal.person({ isFrontDoor: true });
		const answers = [];
		for (let i = 0; i < 24; i++) answers.push(await register(email));
		expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
		expect(answers[0]).toEqual(await register(uniqueEmail()));
		// Two of the five are left for links: with the one that proved the address, four by now.
		const token = await portal.askForReset(email);
		for (let i = 0; i < 4; i++) await portal.visitor().api.accounts.requestReset.mutate({ email });
		await whenAllAreSent(email);
		const caused = mailsTo(email);
		expect(caused.length).toBeLessThanOrEqual(5);
		const links = portal.smtp.messages
			.filter((one) => getRecipients(one).includes(email))
			.flatMap(({ text }) => /\/reset-password\/([\w-]{43})/.exec(text ?? '')?.[1] ?? []);
		const opened = await Promise.all(
			links.map((one) => portal.visitor().api.accounts.openReset.query({ token: one }))
		);
		expect(opened.filter(({ state }) => state === 'valid')).toHaveLength(1);
		expect(token).toHaveLength(43);
	});

	test('is nothing where there is no account', async () => {
		const unknown = uniqueEmail();
		const known = await portal.person();
		const { requestReset } = portal.visitor().api.accounts;
		expect(await requestReset.mutate({ email: unknown })).toEqual(
			await requestReset.mutate({ email: known.email })
		);
		await portal.tokenFor(known.email, 'reset-password');
		expect(mailsTo(unknown)).toEqual([]);
		const listed = await portal.admin.api.messages.list.query({});
		expect(JSON.stringify(listed)).not.toContain(unknown);
	});

	test('is marked in the catalogue, for each e-mail that a call without a session can cause', () => {
		const bodies = new Map<string, ts.Node[]>();
		const open: ts.Node[] = [];
		const walk = (node: ts.Node, visit: (node: ts.Node) => void) => {
			visit(node);
			ts.forEachChild(node, (child) => walk(child, visit));
		};
		for (const path of globSync('src/{procedures/**/*,identity/*,api/*}.ts')) {
			const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
			walk(source, (node) => {
				if (ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node)) {
					// A name of the same file comes before one of another.
					const name = node.name?.getText() ?? '';
					for (const key of [name, `${path} ${name}`]) bodies.set(key, [...(bodies.get(key) ?? []), node]);
				}
				const isOpen = ts.isPropertyAssignment(node) && /^publicProcedure\b/.test(node.initializer.getText());
				if (isOpen) open.push(node.initializer);
			});
		}
		// One for each row of the policy that lets anyone call.
		expect(open.length).toBe(Object.values(rules).filter((rule) => rule?.who === 'anyone').length);
		const reached = new Set<string>();
		const caused = new Set<string>();
		const read = (body: ts.Node): void =>
			walk(body, (node) => {
				if (ts.isStringLiteral(node) && Object.hasOwn(catalogue, node.text)) caused.add(node.text);
				if (!ts.isCallExpression(node)) return;
				const name = node.expression.getText();
				const own = `${node.getSourceFile().fileName} ${name}`;
				const called = bodies.has(own) ? own : name;
				if (reached.has(called)) return;
				reached.add(called);
				bodies.get(called)?.forEach(read);
			});
		open.forEach(read);
		expect([...caused]).toEqual(
			expect.arrayContaining(['account-exists', 'account-registered', 'password-reset', 'session-created'])
		);
		const unmarked = [...caused].filter(
			(name) => catalogue[name as keyof typeof catalogue].anyone === undefined
		);
		expect(unmarked).toEqual([]);
	});
});

test('each refusal for now says for how long: by header and in the error', async () => {
	const sources = globSync('src/**/*.ts').map((path) => [path, readFileSync(path, 'utf8')] as const);
	const makers = sources.filter(([, text]) => /new Refusal\(\s*'TOO_MANY_REQUESTS'/.test(text));
	expect(makers.map(([path]) => path)).toEqual(['src/api/refusals.ts']);

	// A form without script, and a download.
	const visitor = portal.visitor();
	await visitor.api.accounts.requestReset.mutate({ email: uniqueEmail() });
	const person = await portal.person();
	await person.request('/api/organizations/00000000-0000-4000-8000-000000000000/activity.csv');
	await setCounted('reset:address:%', 1000);
	await setCounted('export:%', 1000);
	const form = await visitor.request('/forgot-password', {
		method: 'POST',
		// As a browser that takes a page.
		headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
		body: new URLSearchParams({ email: uniqueEmail() })
	});
	const file = await person.request('/api/organizations/00000000-0000-4000-8000-000000000000/activity.csv');
	for (const answer of [form, file]) {
		expect(answer.status).toBe(429);
		expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
	}
});

test('a person has a hundred sessions at most: the one used longest ago ends', async () => {
	const person = await portal.person();
	await portal.inDatabase((db) =>
		db
			.insertInto('session')
			.values(
				Array.from({ length: 99 }, (_, index) => ({
					id: unique('session'),
					userId: person.userId,
					expiresAt: new Date(Date.now() + 86_400_000),
					lastSeenAt: new Date(Date.now() + (index + 1) * 1000)
				}))
			)
			.execute()
	);
	expect((await person.api.sessions.get.query({})).account).not.toBeNull();
	await portal.signIn(person.email);
	expect((await person.api.sessions.get.query({})).account).toBeNull();
});
