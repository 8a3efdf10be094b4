import { request } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { password, refusal, getPortal, unique, type Portal } from './factories.ts';

/** What comes to a portal at its edges: from clients, proxies and databases that mean something else. */
let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

test.each(['/login', '/register', '/setup', '/forgot-password', '/logout', '/unsubscribe/x', '/invitations'])(
	'a form of %s that is named by a word of the language is refused',
	async (path) => {
		for (const name of ['default', '__proto__', 'constructor', 'toString', 'a-b', 'no']) {
			const { status } = await portal.visitor().request(`${path}?/${name}`, {
				method: 'POST',
				body: new URLSearchParams({ a: 'b' })
			});
			expect(status, name).toBeGreaterThanOrEqual(400);
			expect(status, name).toBeLessThan(500);
		}
	}
);

test('a range that ends before it begins is no range', async () => {
	const before = portal.server.logs.length;
	const { status } = await portal.visitor().request('/favicon.svg', { headers: { range: 'bytes=5-1' } });
	expect(status).toBe(200);
	expect(portal.server.logs.slice(before)).not.toContain('ERR_HTTP_HEADERS_SENT');
});

test('HEAD is answered as GET is, without the text, wherever it goes', async () => {
	const before = portal.server.logs.length;
	for (const path of ['/login', '/no-such-page', '/favicon.svg', '/healthz']) {
		const [get, head] = await Promise.all(
			['GET', 'HEAD'].map((method) => portal.visitor().request(path, { method }))
		);
		expect([head?.status, head?.headers.get('content-type')], path).toEqual([
			get?.status,
			get?.headers.get('content-type')
		]);
		expect(await head?.text()).toBe('');
	}
	expect(portal.server.logs.slice(before)).not.toContain('ERR_HTTP_HEADERS_SENT');
});

test('whoever asks for another protocol is answered in this one', async () => {
	const status = await new Promise<number | undefined>((resolve, reject) => {
		request(`${portal.server.origin}/healthz`, {
			headers: {
				connection: 'Upgrade, HTTP2-Settings',
				upgrade: 'h2c',
				'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA'
			}
		})
			.on('response', (response) => resolve(response.resume().statusCode))
			.on('error', reject)
			.end();
	});
	expect(status).toBe(200);
});

test.each(['changeEmail', 'changePassword', 'deleteOwn'])(
	'what travels behind the end of the account is refused: accounts.%s',
	async (second) => {
		const person = await portal.person();
		const own = { currentPassword: password, email: person.email };
		const inputs = {
			changeEmail: { currentPassword: password, email: `new-${person.email}` },
			changePassword: { currentPassword: password, password: 'another good password' },
			deleteOwn: own
		};
		const response = await person.request(`/trpc/accounts.deleteOwn,accounts.${second}?batch=1`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ 0: own, 1: inputs[second as keyof typeof inputs] })
		});
		const answers = (await response.json()) as { error?: { data: { httpStatus: number } } }[];
		// Whichever of the two comes first.
		for (const { error } of answers) expect([200, 400, 401]).toContain(error?.data.httpStatus ?? 200);
		expect(answers.some(({ error }) => !error)).toBe(true);
	}
);

test('readers of an organization wait with its members alone', async () => {
	const company = await portal.company({ admin: portal.admin });
	const stranger = await portal.person();
	const open = () => stranger.api.organizations.open.query({ slug: company.slug });
	const guesses = Array.from({ length: 200 }, () => refusal(open()));
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.organization.name).toBe(company.name);
	expect(new Set((await Promise.all(guesses)).map(({ status }) => status))).toEqual(new Set([404]));
});

test('a database that only reads is said to be busy, and is written to again when it can be', async () => {
	const company = await portal.company({ admin: portal.admin });
	const client = new pg.Client(portal.server.databaseUrl ?? '');
	await client.connect();
	const name = new URL(portal.server.databaseUrl ?? '').pathname.slice(1);
	const endOthers = () =>
		client.query(
			`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
			[name]
		);
	const create = () =>
		company.owner.request('/trpc/applications.create', {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ organizationId: company.id, name: unique('Application'), description: '' })
		});
	await client.query(`alter database ${name} set default_transaction_read_only = on`);
	await endOthers();
	let answer = await create();
	// The first calls may meet a connection that has just ended.
	for (let turn = 0; turn < 20 && !(await answer.clone().text()).includes('nothing was changed'); turn++) {
		answer = await create();
	}
	expect(answer.status).toBe(503);
	expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
	await client.query(`set default_transaction_read_only = off`);
	await client.query(`alter database ${name} reset default_transaction_read_only`);
	await endOthers();
	for (let turn = 0; turn < 20 && answer.status !== 200; turn++) answer = await create();
	expect(answer.status).toBe(200);
	await client.end();
});
