import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, password, type Portal } from './factories.ts';

/** A page that is opened under another name than the portal's own address. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const ask = (path: string, headers: Record<string, string>, method = 'GET') =>
	new Promise<{ status: number | undefined; to: string | undefined; cookie: string; words: string }>(
		(resolve, reject) => {
			const asking = request({ host: '127.0.0.1', port: portal.server.port, path, method, headers });
			asking.on('error', reject).on('response', async (response) => {
				const { statusCode: status, headers: told } = response;
				const words = await text(response);
				resolve({ status, to: told.location, cookie: (told['set-cookie'] ?? []).join(), words });
			});
			asking.end();
		}
	);

test.each(['127.0.0.1', '127.0.0.1:80', '[::1]:3000', 'portal.localhost'])(
	'as %s leads to the same page under its own',
	async (host) => {
		const { origin } = portal.server;
		for (const path of ['/', '/login?next=%2Fprofile', '/orgs/some-company/users', '/no-such-page']) {
			const answer = await ask(path, { host });
			expect(answer, path).toMatchObject({ status: 307, to: origin + path });
			// A proxy that passes no name on would lead in circles: the second time the page is shown.
			const again = await ask(path, { host, cookie: answer.cookie.split(';')[0] ?? '' });
			expect(again.to?.startsWith(origin) ?? false, path).toBe(false);
		}
		expect((await ask('/login', { host, 'x-forwarded-host': 'localhost' })).status).toBe(200);
		expect((await ask('/login', { host }, 'HEAD')).to).toBe(`${origin}/login`);
	}
);

test('from another machine says which address it has, since “localhost” would lead nowhere', async () => {
	const answer = await ask('/login', { host: '192.168.1.5:3000' });
	expect(answer.status).toBe(421);
	expect(answer.words).toContain(`Open the portal at ${portal.server.origin}`);
	expect(answer.to).toBeUndefined();
});

test('leads nowhere but to the portal, and leads neither calls, health checks, files nor data of pages', async () => {
	const host = '127.0.0.1';
	for (const path of ['/healthz', '/readyz', '/trpc/sessions.get?input=%7B%7D', '/login/__data.json'])
		expect((await ask(path, { host })).status, path).toBe(200);
	for (const path of ['//evil.example', '/@evil.example', '/..//evil.example'])
		expect((await ask(path, { host })).to?.startsWith(`${portal.server.origin}/`), path).toBe(true);
});

test('a form of a page works behind a proxy that passes its own name on', async () => {
	const person = await portal.person();
	const status = await new Promise((resolve, reject) => {
		const asking = request({
			host: '127.0.0.1',
			port: portal.server.port,
			path: '/login',
			method: 'POST',
			headers: {
				host: 'backend.internal:3000',
				origin: portal.server.origin,
				accept: 'text/html',
				'content-type': 'application/x-www-form-urlencoded'
			}
		});
		asking.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
		asking.end(new URLSearchParams({ email: person.email, password }).toString());
	});
	expect(status).toBe(303);
});

test('a call from elsewhere is refused in words that a page shows', async () => {
	const answer = await fetch(`${portal.server.origin}/trpc/sessions.delete`, {
		method: 'POST',
		headers: { origin: 'http://127.0.0.1:3000', 'content-type': 'application/json' },
		body: '{}'
	});
	expect(answer.status).toBe(403);
	expect(await answer.json()).toMatchObject({
		error: {
			message: expect.stringContaining(portal.server.origin),
			data: { httpStatus: 403, reason: 'WRONG_ADDRESS' }
		}
	});
});
