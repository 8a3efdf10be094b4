import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { adminPassword, password, getPortal, uniqueEmail, type Portal, type Visitor } from './factories.ts';
import { startServer } from './harness.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const form = (values: Record<string, string>) => new URLSearchParams(values);

describe('a request of another site', () => {
	const origins = ['https://evil.example', 'null', 'http://localhost', ''];
	const types = [
		'application/json',
		'text/plain',
		'application/x-www-form-urlencoded',
		'multipart/form-data; boundary=x'
	];

	test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
		'as %s of any type is refused, on the API and on pages',
		async (method) => {
			const company = await portal.company({ admin: portal.admin });
			const body = JSON.stringify({ organizationId: company.id, name: 'Taken over' });
			for (const origin of origins) {
				for (const type of types) {
					for (const path of [
						'/trpc/organizations.rename',
						`/orgs/${company.slug}/settings`,
						'/logout',
						'/login'
					]) {
						const answer = await company.owner.request(path, {
							method,
							body,
							headers: { origin, 'content-type': type }
						});
						expect(answer.status, `${path} from “${origin}” as ${type}`).toBe(403);
					}
				}
			}
			// Still signed in, and nothing has another name.
			const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
			expect(snapshot.organization.name).toBe(company.name);
		}
	);

	test('without any Origin is refused', async () => {
		const status = await new Promise((resolve, reject) => {
			const asking = request(`${portal.server.origin}/trpc/sessions.delete`, {
				method: 'POST',
				headers: { cookie: portal.admin.cookie(), 'content-type': 'application/json' }
			});
			asking.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
			asking.end('{}');
		});
		expect(status).toBe(403);
		expect((await portal.admin.api.sessions.get.query({})).account).not.toBeNull();
	});

	test('gets no permission to read an answer', async () => {
		for (const path of ['/trpc/sessions.get?input=%7B%7D', '/login', '/healthz']) {
			const answer = await portal.admin.request(path, { headers: { origin: 'https://evil.example' } });
			const allowed = [...answer.headers.keys()].filter((name) => name.startsWith('access-control'));
			expect(allowed, path).toEqual([]);
		}
	});
});

describe('the address that a request claims', () => {
	test('is never in a link: of an invitation, of a verification, of a new password', async () => {
		const company = await portal.company({ admin: portal.admin });
		const ask = (path: string, input: object) =>
			new Promise<number | undefined>((resolve, reject) => {
				const asking = request({
					host: '127.0.0.1',
					port: portal.server.port,
					path,
					method: 'POST',
					headers: {
						host: 'evil.example',
						'x-forwarded-host': 'evil.example',
						'x-forwarded-proto': 'https',
						forwarded: 'host=evil.example',
						origin: portal.server.origin,
						cookie: company.owner.cookie(),
						'content-type': 'application/json'
					}
				});
				asking.on('error', reject).on('response', async (response) => {
					await text(response);
					resolve(response.statusCode);
				});
				asking.end(JSON.stringify(input));
			});
		const invitee = uniqueEmail();
		const newcomer = uniqueEmail();
		const person = { firstName: 'In', lastName: 'Vitee' };
		const invitation = { ...person, organizationId: company.id, email: invitee, role: 'team_member' };
		expect(await ask('/trpc/invitations.create', invitation)).toBe(200);
		expect(await ask('/trpc/accounts.register', { ...person, email: newcomer, password })).toBe(200);
		expect(await ask('/trpc/accounts.requestReset', { email: company.owner.email })).toBe(200);
		expect(await portal.tokenFor(company.owner.email, 'reset-password')).toMatch(/^[\w-]{43}$/);
		expect(await portal.tokenFor(invitee, 'invitations')).toMatch(/^[\w-]{43}$/);
		expect(await portal.tokenFor(newcomer, 'verify-email')).toMatch(/^[\w-]{43}$/);
		const sources = portal.smtp.messages.map(({ text, html }) => `${text}${html}`).join();
		expect(sources).not.toContain('evil.example');
	});

	test.each([
		'//evil.example',
		'/\\evil.example',
		'/..//evil.example',
		'https://evil.example',
		'javascript:alert(1)'
	])('after signing in with next=%s is our own', async (next) => {
		const person = await portal.person();
		const answer = await portal.visitor().request(`/login?next=${encodeURIComponent(next)}`, {
			method: 'POST',
			body: form({ email: person.email, password }),
			headers: { accept: 'text/html' }
		});
		expect(answer.status).toBe(303);
		expect(answer.headers.get('location')).toBe('/dashboard');
	});
});

describe('the data of a page', () => {
	const read = async (by: Visitor, path: string) => {
		const answer = await by.request(path);
		return { status: answer.status, cache: answer.headers.get('cache-control'), body: await answer.text() };
	};

	test('of another organization is never there, also after going from one to the next', async () => {
		const mine = await portal.company({ admin: portal.admin });
		const theirs = await portal.company({ admin: portal.admin });
		const application = await portal.application(theirs);
		const member = await portal.member(mine);
		for (const page of ['', '/users', '/applications', '/activity', '/settings']) {
			for (const kind of ['', '/__data.json']) {
				const own = await read(member, `/orgs/${mine.slug}${page}${kind}`);
				expect(own.cache, `${page}${kind}`).toBe('private, no-store');
				expect(own.body).not.toContain(theirs.name);
				const foreign = await read(member, `/orgs/${theirs.slug}${page}${kind}`);
				expect(foreign.body).not.toContain(theirs.name);
				expect(foreign.body).not.toContain(theirs.owner.email);
				expect(foreign.body).not.toContain(application.id);
				if (kind === '') expect(foreign.status).toBe(404);
			}
		}
		const own = await read(member, `/orgs/${mine.slug}/__data.json`);
		expect(own.body).toContain(mine.name);
	});

	test('of the admins’ pages is the admins’ alone', async () => {
		const person = await portal.person();
		const { name } = await portal.company();
		for (const page of ['', '/organizations', '/users', '/activity', '/mailbox', '/settings/general']) {
			for (const by of [person, portal.visitor()]) {
				const answer = await read(by, `/admin${page}/__data.json`);
				expect(answer.body, page).not.toContain(name);
				expect([403, 404, 303], page).toContain((await by.request(`/admin${page}`)).status);
			}
			expect((await read(portal.admin, `/admin${page}`)).status, page).toBe(200);
		}
	});
});

describe('an answer', () => {
	test('lets no foreign script run and no foreign page frame it', async () => {
		const answer = await portal.visitor().request('/login');
		const policy = answer.headers.get('content-security-policy') ?? '';
		expect(policy).toMatch(/script-src 'self' 'nonce-[\w+/=]+'/);
		expect(policy).toContain("frame-ancestors 'none'");
		expect(policy).toContain("default-src 'self'");
		expect(/script-src[^;]*/.exec(policy)?.[0]).not.toMatch(/unsafe|\*|https?:/);
		expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
		expect(answer.headers.get('x-frame-options')).toBe('DENY');
		expect(answer.headers.get('referrer-policy')).toBe('same-origin');
		const html = await answer.text();
		for (const [, attributes = ''] of html.matchAll(/<script([^>]*)>/g))
			expect(attributes).toContain('nonce=');
		expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
	});

	test('says that it is alive, that it is ready, and when there is no such page', async () => {
		const visitor = portal.visitor();
		const [alive, ready] = [await visitor.request('/healthz'), await visitor.request('/readyz')];
		expect([alive.status, await alive.text()]).toEqual([200, 'ok']);
		expect([ready.status, await ready.text()]).toEqual([200, 'ready']);
		const missing = await visitor.request('/no/such/page');
		expect(missing.status).toBe(404);
		expect(await missing.text()).toContain('There is no such page');
	});

	test.for([
		['a call', '/trpc/sessions.create', 'application/json'],
		['a page', '/login', 'application/x-www-form-urlencoded'],
		['a link of a mail program', '/unsubscribe/x', 'application/x-www-form-urlencoded']
	] as const)(
		'to too large a body for %s is 413, also to whoever is still writing',
		async ([, path, type]) => {
			const part = Buffer.alloc(100_000, 'x');
			const asking = request(`${portal.server.origin}${path}`, {
				method: 'POST',
				headers: {
					origin: portal.server.origin,
					'content-type': type,
					'content-length': part.length * 20
				}
			});
			const answered = once(asking, 'response') as Promise<[IncomingMessage]>;
			for (let count = 0; count < 20; count++) {
				// The server has had the time to answer, and to hang up, before more is written.
				if (count < 3) expect((await portal.visitor().request('/healthz')).status).toBe(200);
				await new Promise<void>((resolve, reject) =>
					asking.write(part, (error) => (error ? reject(error) : resolve()))
				);
			}
			asking.end();
			const [answer] = await answered;
			answer.resume();
			expect(answer.statusCode).toBe(413);
			expect((await portal.visitor().request('/healthz')).status).toBe(200);
		}
	);

	test('to a body without end comes before it has been read, and its sender is hung up on', async () => {
		const asking = request(`${portal.server.origin}/login`, {
			method: 'POST',
			headers: { origin: portal.server.origin, 'content-length': 1_000_000_000 }
		});
		asking.on('error', () => undefined);
		asking.write('x');
		const [answer] = (await once(asking, 'response')) as [IncomingMessage];
		expect(answer.statusCode).toBe(413);
		expect(answer.headers.connection).toBe('close');
		answer.resume();
		await once(asking, 'close');
	});

	test('to what went wrong holds a request id, and nothing of our inside', async () => {
		const visitor = portal.visitor();
		const wrong = [
			await visitor.request('/trpc/no.such.procedure'),
			await visitor.request('/trpc/organizations.open?input=%7B%22slug%22%3A%22x'),
			await portal.admin.request(
				`/trpc/messages.get?input=${encodeURIComponent('{"messageId":"1\' or 1=1"}')}`
			),
			await portal.admin.request('/trpc/organizations.open?input=%7B%22slug%22%3A%22no-such%22%7D')
		];
		for (const answer of wrong) {
			const body = await answer.text();
			expect(answer.status, body).toBeGreaterThanOrEqual(400);
			expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
			expect(body).toContain(answer.headers.get('x-request-id'));
			expect(body).not.toMatch(/select |\.ts\b|node_modules|at [A-Z]\w+\.|"stack"/);
		}
	});
});

describe('the session cookie', () => {
	test('is out of reach of scripts and of other sites, and a new one at each sign-in', async () => {
		const person = await portal.person();
		const visitor = portal.visitor();
		const signIn = () =>
			visitor.request('/login', { method: 'POST', body: form({ email: person.email, password }) });
		const first = (await signIn()).headers.getSetCookie();
		expect(first).toHaveLength(2);
		expect(first[0]).toMatch(/^portico=[\w-]{43};/);
		expect(first[1]).toMatch(/^portico_device=[\w-]{43};.*HttpOnly/i);
		expect(first[0]).toMatch(/HttpOnly/i);
		expect(first[0]).toMatch(/SameSite=Lax/i);
		expect(first[0]).toMatch(/Path=\//);
		const before = `portico=${visitor.jar.get('portico')}`;
		const second = (await signIn()).headers.getSetCookie();
		expect(second[0]?.split(';')[0]).not.toBe(before);
		const old = await portal
			.visitor()
			.request('/trpc/sessions.get?input=%7B%7D', { headers: { cookie: before } });
		expect(await old.text()).toContain('"account":null');
	});

	test('belongs to this host alone where the portal is on https', async () => {
		const origin = 'https://portal.example.test';
		const env = {
			ORIGIN: origin,
			PORTAL_ADMIN_EMAIL: 'admin@example.test',
			PORTAL_ADMIN_PASSWORD: adminPassword
		};
		await using server = await startServer({ database: inject('database'), isPrepared: true, env });
		const answer = await fetch(`http://127.0.0.1:${server.port}/trpc/sessions.create`, {
			method: 'POST',
			headers: { origin, 'content-type': 'application/json' },
			body: JSON.stringify({ email: 'admin@example.test', password: adminPassword })
		});
		expect(answer.status).toBe(200);
		const [cookie = ''] = answer.headers.getSetCookie();
		expect(cookie).toMatch(/^__Host-portico=[\w-]{43};/);
		expect(cookie).toMatch(/; Secure/i);
		expect(cookie).not.toMatch(/Domain=/i);
		expect(answer.headers.get('strict-transport-security')).toContain('max-age=');
		// Of the same host on http: another origin.
		const onHttp = await fetch(`http://127.0.0.1:${server.port}/trpc/sessions.delete`, {
			method: 'POST',
			headers: { origin: 'http://portal.example.test', 'content-type': 'application/json' },
			body: '{}'
		});
		expect(onHttp.status).toBe(403);
	});
});

test('what is long is packed for who asks for it; not what a link on another site could have asked for', async () => {
	const company = await portal.company({ admin: portal.admin });
	for (let n = 0; n < 12; n++) await portal.application(company);
	const packedAs = async (path: string, init: RequestInit = {}, encoding = 'gzip') => {
		const headers = { 'accept-encoding': encoding, ...init.headers };
		const answer = await company.owner.request(path, { ...init, headers });
		expect(answer.status, path).toBe(200);
		await answer.arrayBuffer();
		return answer.headers.get('content-encoding');
	};
	const page = `/orgs/${company.slug}/applications`;
	const call = `/trpc/organizations.open?input=${encodeURIComponent(JSON.stringify({ slug: company.slug }))}`;
	expect(await packedAs(page)).toBe('gzip');
	expect(await packedAs(page, {}, 'br')).toBe('br');
	expect(await packedAs(page, {}, 'identity')).toBeNull();
	expect(await packedAs(call)).toBe('gzip');
	expect(await packedAs(`${page}?search=a+guess`)).toBeNull();
	expect(await packedAs(`${page}/__data.json?search=a+guess`)).toBeNull();
	// Too short, and what changes something or shows a secret.
	expect(await packedAs('/healthz')).toBeNull();
	const body = JSON.stringify({
		organizationId: company.id,
		name: 'x'.repeat(40),
		description: 'y'.repeat(400)
	});
	const post = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
	expect(await packedAs('/trpc/applications.create', post)).toBeNull();
	// Packed, it is the same page.
	const text = await (await company.owner.request(page, { headers: { 'accept-encoding': 'gzip' } })).text();
	expect(text).toContain(company.name);
});
