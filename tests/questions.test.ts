import { get, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, type Company, type Portal } from './factories.ts';
import { createGateway, createKeyOf } from './gateways.ts';

/** What gateways ask ahead of the rest of the outer server, however it is spelled. */

const metricsToken = 'a-token-for-reading-figures-long-enough';
let portal: Portal;
let company: Company;
let origin: string;
beforeAll(async () => {
	portal = await startPortal({ METRICS_TOKEN: metricsToken });
	company = await portal.company({ admin: portal.admin });
	({ origin } = portal.server);
});
afterAll(() => portal.stop());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** As some client may send it, what fetch would put together. */
function raw(token: string, headers: string[], path = '/api/forward-auth'): Promise<number> {
	return new Promise((resolve, reject) => {
		const { hostname, port, host } = new URL(origin);
		const all = ['host', host, 'x-portico-gateway-token', token, ...headers];
		const asking = request({ host: hostname, port, path, headers: all as never }, (answer) => {
			answer.resume();
			resolve(answer.statusCode ?? 0);
		});
		asking.on('error', reject).end();
	});
}

test('a header that comes twice holds two keys, or two tokens', async () => {
	const { token } = await createGateway(portal);
	const { secret } = await createKeyOf(company);
	expect(await raw(token, ['authorization', `Bearer ${secret}`])).toBe(200);
	for (const header of [
		['authorization', `Bearer ${secret}`],
		['X-API-Key', secret],
		['x-api-key', secret]
	]) {
		expect(await raw(token, [...header, ...header])).toBe(400);
	}
	expect(await raw(token, ['authorization', `Bearer ${secret}`, 'x-portico-gateway-token', token])).toBe(401);
});

test('what gateways are answered ahead of everything else is as safe, as logged and as counted as any answer', async () => {
	const { token } = await createGateway(portal);
	const { secret } = await createKeyOf(company);
	const healthy = await fetch(`${origin}/healthz`);
	const safe = [...healthy.headers.keys()].filter(
		(name) => !/^(?:content-|date|connection|keep-alive|x-request-id)/.test(name)
	);
	expect(safe).toContain('x-content-type-options');
	const tell = (headers: Record<string, string>, body?: string) => ({
		method: 'POST',
		headers: { authorization: `Bearer ${token}`, ...headers },
		body: body ?? new URLSearchParams({ token: secret })
	});
	const forwarded = { 'x-portico-gateway-token': token };
	// A body whose length nobody tells before.
	const stream = () => new Blob(['token=', 'x'.repeat(20_000)]).stream();
	const streamed = { duplex: 'half', method: 'POST', body: stream() } as const;
	const cases: [number, string, RequestInit][] = [
		[200, '/api/introspect', tell({})],
		[200, '/api/introspect?by=hand', tell({})],
		[401, '/api/introspect', tell({ authorization: 'Bearer nothing' })],
		[400, '/api/introspect', tell({}, 'x'.repeat(20_000))],
		[400, '/api/introspect', { ...tell({}), ...streamed, body: stream() }],
		[405, '/api/introspect', { headers: { authorization: `Bearer ${token}` } }],
		[405, '/api/introspect', { method: 'OPTIONS' }],
		[200, '/api/forward-auth', { headers: { ...forwarded, ...bearer(secret) } }],
		[200, '/api/forward-auth', { method: 'HEAD', headers: { ...forwarded, ...bearer(secret) } }],
		[200, '/api/forward-auth', { method: 'POST', headers: { ...forwarded, ...bearer(secret) }, body: 'a=b' }],
		[400, '/api/forward-auth', { ...streamed, headers: { ...forwarded, ...bearer(secret) } }],
		[401, '/api/forward-auth/v1/things', { headers: forwarded }],
		[401, '/api/forward-auth', {}]
	];
	const counted = async () => {
		const figures = await fetch(`${origin}/metrics`, { headers: bearer(metricsToken) });
		const lines = (await figures.text()).matchAll(/^portico_requests_total\{kind="api".*\} (\d+)$/gm);
		return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
	};
	const before = await counted();
	for (const [status, path, init] of cases) {
		const answer = await fetch(`${origin}${path}`, init);
		await answer.text();
		const what = `${init.method ?? 'GET'} ${path} ${status}`;
		expect(answer.status, what).toBe(status);
		for (const name of safe) {
			expect([name, answer.headers.get(name)], what).toEqual([name, healthy.headers.get(name)]);
		}
		expect(answer.headers.get('cache-control'), what).toBe('no-store');
		const requestId = answer.headers.get('x-request-id') ?? '';
		await portal.server.waitForLog(new RegExp(`"requestId":"${requestId}"[^\\n]*"status":${status},`));
	}
	expect((await counted()) - before).toBe(cases.length);
	// The whole address, as it may be sent to any server.
	expect(await raw(token, ['x-api-key', secret], `${origin}/api/forward-auth`)).toBe(200);
	expect(await raw(token, ['x-api-key', secret], `${origin}/api/forward-auth?a=b`)).toBe(400);
});

test('a question that names a product wrongly is none about no product', async () => {
	const { secret } = await createKeyOf(company);
	const ask = (token: string, behind: string) =>
		raw(token, ['x-api-key', secret], `/api/forward-auth${behind}`);
	const { token } = await createGateway(portal);
	const wrong = [
		'?product=',
		'?product',
		'?product=&product=parcels',
		'?Product=parcels',
		'?prodcut=parcels'
	];
	const behind = ['/?product=parcels', '/?Product=parcels', '%3Fproduct=parcels', '&product=parcels'];
	for (const path of [...wrong, ...behind]) expect(await ask(token, path), path).toBe(400);
	for (const path of ['', '?', '/', '/v1/things?a=b']) expect(await ask(token, path), path).toBe(200);
	// Envoy puts behind the path whatever its client has asked for.
	const envoy = await createGateway(portal, { kind: 'envoy' });
	for (const path of ['/?product=parcels', '/?product=', '/v1/things?Product=5'])
		expect(await ask(envoy.token, path), path).toBe(200);
	// And where the key is looked for in the address, it may stand there.
	const { token: byQuery } = await createGateway(portal, { queryName: 'api_key' });
	expect(await raw(byQuery, [], `/api/forward-auth?api_key=${secret}`)).toBe(200);
	expect(await raw(byQuery, [], `/api/forward-auth?api_key=${secret}&product=`)).toBe(400);
});

test('a path with dots in it leads to nothing that could be taken for a yes', async () => {
	for (const path of [
		'/../../healthz',
		'/v1/%2E%2e/.%2e/../%2e%2e/healthz',
		'/../../readyz',
		's/../../healthz'
	]) {
		const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
			const { hostname, port } = new URL(portal.server.origin);
			// As it stands: fetch would take the dots away.
			get({ hostname, port, path: `/api/forward-auth${path}` }, (response) => {
				let text = '';
				response.on('data', (part) => (text += String(part)));
				response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
			}).on('error', reject);
		});
		expect(answer, path).toMatchObject({ status: 401, text: expect.stringContaining('prove itself') });
	}
});
