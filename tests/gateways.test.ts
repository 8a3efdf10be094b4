import { afterAll, beforeAll, expect, test } from 'vitest';
import { sayEvent } from '#lib/events.ts';
import { withoutIsolates } from '#lib/direction.ts';
import { refusal, startPortal, type Company, type Portal } from './factories.ts';
import { createGateway, createKeyOf, forward } from './gateways.ts';

/** Gateways as portal admins look after them, and what they are answered about a request. */

const environmentToken = 'the-token-of-the-environment-long-enough';
let portal: Portal;
let company: Company;
let origin: string;
beforeAll(async () => {
	portal = await startPortal({ GATEWAY_TOKEN: environmentToken, LOG_LEVEL: 'trace' });
	company = await portal.company({ admin: portal.admin, name: 'Größe & Söhne' });
	({ origin } = portal.server);
});
afterAll(() => portal.stop());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const list = () => portal.admin.api.gateways.list.query({});

test('a gateway is added, asks, is rotated with an overlap and revoked; each is heard and told, and no token is in it', async () => {
	const page = await portal.admin.listen();
	await page.hears('news true');
	const { gateway, token } = await createGateway(portal, { headerName: 'X-Acme-Key' });
	expect(token).toMatch(/^pgw_[\w-]{43}$/);
	expect(gateway).toMatchObject({
		isEnvironment: false,
		headerName: 'X-Acme-Key',
		revokedAt: null,
		lastUsedAt: null,
		tokens: [{ lastFour: token.slice(-4), expiresAt: null, lastUsedAt: null }]
	});
	const { secret } = await createKeyOf(company);
	const status = async (by: string) => (await forward(origin, by, { 'x-acme-key': secret })).status;
	expect(await status(token)).toBe(200);
	// Noted after the answer, and told to the admins' pages.
	await page.until(() => page.words.includes('gateways'), 'the word that it was used');
	const { gateway: used } = await portal.admin.api.gateways.get.query({ gatewayId: gateway.id });
	expect(used.lastUsedFrom).toMatch(/^(127\.0\.0\.1|::\/64|::1)/);
	expect(used.tokens[0]?.lastUsedAt).toBe(used.lastUsedAt);
	expect(Math.abs(Date.parse(used.lastUsedAt ?? '') - Date.now())).toBeLessThan(600_000);
	// Once a minute, however often it asks.
	for (let time = 0; time < 5; time++) await status(token);
	expect((await portal.admin.api.gateways.get.query({ gatewayId: gateway.id })).gateway).toEqual(used);

	const id = { gatewayId: gateway.id };
	const second = await portal.admin.api.gateways.rotate.mutate({ ...id, overlapSeconds: 3600 });
	expect(second.gateway.tokens.map(({ lastFour }) => lastFour)).toEqual([
		second.token.slice(-4),
		token.slice(-4)
	]);
	expect([await status(token), await status(second.token)]).toEqual([200, 200]);
	const third = await portal.admin.api.gateways.rotate.mutate({ ...id, overlapSeconds: 0 });
	expect([await status(token), await status(second.token), await status(third.token)]).toEqual([
		401, 401, 200
	]);
	const places = { hasBearer: false, hasApiKey: true, headerName: '', queryName: '' };
	await portal.admin.api.gateways.update.mutate({ ...id, name: 'Public API', kind: 'caddy', ...places });
	// It looks elsewhere from the next question on.
	expect(await status(third.token)).toBe(401);
	expect((await forward(origin, third.token, { 'x-api-key': secret })).status).toBe(200);
	await portal.admin.api.gateways.revoke.mutate(id);
	expect((await forward(origin, third.token, { 'x-api-key': secret })).status).toBe(401);
	expect((await list()).revoked.map((one) => one.id)).toContain(gateway.id);

	await page.hears('gateway.revoked');
	const told = page.events.filter(({ name }) => name.startsWith('gateway.'));
	expect(told.map((event) => withoutIsolates(sayEvent(event)))).toEqual([
		`added the gateway ${gateway.name}`,
		expect.stringMatching(
			/^rotated the token of the gateway .*; the older one works until \d{4}-\d\d-\d\d \d\d:\d\d UTC$/
		),
		`rotated the token of the gateway ${gateway.name}`,
		`renamed the gateway ${gateway.name} to Public API`,
		'revoked the gateway Public API'
	]);
	const everything = JSON.stringify([told, await list(), portal.server.logs]);
	for (const one of [token, second.token, third.token, secret]) expect(everything).not.toContain(one);
});

test('what can’t be meant is refused at its field, and what has ended can’t be changed', async () => {
	const { gateways } = portal.admin.api;
	const right = { name: 'Refused', kind: 'other', hasBearer: true, hasApiKey: true } as const;
	const make = (given: object) =>
		refusal(gateways.create.mutate({ ...right, headerName: '', queryName: '', ...given }));
	const wrong: [object, string][] = [
		[{ name: ' ' }, 'name'],
		[{ headerName: 'Authorization' }, 'headerName'],
		[{ headerName: 'x-portico-organization-id' }, 'headerName'],
		[{ headerName: 'Cookie' }, 'headerName'],
		[{ headerName: 'X-Forwarded-Uri' }, 'headerName'],
		[{ headerName: 'X Key' }, 'headerName'],
		[{ headerName: 'X-Key:\r\nX-Evil' }, 'headerName'],
		[{ headerName: 'Größe' }, 'headerName'],
		[{ queryName: 'a&b' }, 'queryName'],
		[{ hasBearer: false, hasApiKey: false }, 'hasBearer']
	];
	for (const [given, field] of wrong) {
		const refused = await make(given);
		expect([refused.status, Object.keys(refused.fields)], JSON.stringify(given)).toEqual([400, [field]]);
	}
	const { gateway } = await createGateway(portal);
	expect(await make({ name: gateway.name.toUpperCase() })).toMatchObject({
		status: 409,
		fields: { name: {} }
	});
	const id = { gatewayId: gateway.id };
	await gateways.revoke.mutate(id);
	for (const again of [
		() => gateways.revoke.mutate(id),
		() => gateways.rotate.mutate({ ...id, overlapSeconds: 0 }),
		() => gateways.update.mutate({ ...id, ...right, headerName: '', queryName: '' })
	]) {
		expect(await refusal(again())).toMatchObject({ status: 409, reason: 'REVOKED' });
	}
});

test('the one of the environment is there as the first one, can be set up, and ends with the environment', async () => {
	const first = (await list()).working.find(({ isEnvironment }) => isEnvironment);
	expect(first).toMatchObject({ name: 'First gateway', tokens: [] });
	const { secret } = await createKeyOf(company);
	expect((await forward(origin, environmentToken, bearer(secret))).status).toBe(200);
	const id = { gatewayId: first?.id ?? '' };
	const { gateways } = portal.admin.api;
	const calls = [
		() => gateways.revoke.mutate(id),
		() => gateways.rotate.mutate({ ...id, overlapSeconds: 0 })
	];
	for (const call of calls) {
		expect(await refusal(call())).toMatchObject({ status: 409, reason: 'FIXED' });
	}
	const values = { name: 'Edge', kind: 'other', hasBearer: false, hasApiKey: true } as const;
	const nowhereElse = { headerName: '', queryName: '' };
	await gateways.update.mutate({ ...id, ...values, ...nowhereElse });
	// Usage tells of gateways by their names: no two have the same.
	const { gateway: another } = await createGateway(portal);
	for (const call of [
		() => gateways.create.mutate({ ...values, ...nowhereElse, name: 'EDGE' }),
		() => gateways.update.mutate({ ...values, ...nowhereElse, gatewayId: another.id }),
		() => gateways.update.mutate({ ...id, ...values, ...nowhereElse, name: another.name })
	]) {
		expect(await refusal(call())).toMatchObject({ status: 409, fields: { name: {} } });
	}
	expect((await forward(origin, environmentToken, bearer(secret))).status).toBe(401);
	expect((await forward(origin, environmentToken, { 'x-api-key': secret })).status).toBe(200);
});

test('a request is let in with whose key it is, by any method; a refusal says why, as a problem document', async () => {
	const { token } = await createGateway(portal);
	const { application, place, secret } = await createKeyOf(company);
	for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
		const answer = await forward(origin, token, bearer(secret), { method, path: '/v1/%zz?a=b' });
		expect([answer.status, answer.text], method).toEqual([200, '']);
		expect(Object.fromEntries(answer.headers), method).toMatchObject({
			'x-portico-organization-id': company.id,
			'x-portico-organization': 'Gr%C3%B6%C3%9Fe%20%26%20S%C3%B6hne',
			'x-portico-application-id': application.id,
			'x-portico-application': encodeURIComponent(application.name),
			'x-portico-credential-id': place.credentialId,
			'cache-control': 'no-store'
		});
	}
	const problem = async (headers: HeadersInit, how?: { body: string; method: string }) => {
		const { status, headers: said, text } = await forward(origin, token, headers, how);
		expect(said.get('content-type')).toBe('application/problem+json');
		const { type, title, status: meant, detail, reason } = JSON.parse(text) as Record<string, unknown>;
		expect([type, meant, typeof title]).toEqual(['about:blank', status, 'string']);
		return { status, challenge: said.get('www-authenticate'), detail, reason };
	};
	const realm = `Bearer realm="${new URL(origin).host}"`;
	expect(await problem({})).toMatchObject({ status: 401, challenge: realm });
	expect(await problem({ authorization: 'Basic YTpi' })).toMatchObject({ status: 401, challenge: realm });
	const broken = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
	expect(await problem(bearer(broken))).toMatchObject({
		status: 401,
		reason: 'mistyped',
		challenge: expect.stringMatching(/error="invalid_token", error_description=".{10}/)
	});
	// Several of them, wherever they stand: 400 in words.
	const ambiguous: HeadersInit[] = [
		{ ...bearer(secret), 'x-api-key': secret },
		bearer(`${secret}, ${secret}`),
		bearer(`${secret} ${secret}`),
		{ 'x-api-key': `${secret},${secret}` },
		[
			['x-api-key', secret],
			['x-api-key', secret]
		]
	];
	for (const headers of ambiguous) {
		const refused = await problem(headers);
		expect(refused, JSON.stringify(headers)).toMatchObject({ status: 400, challenge: null });
		expect(refused.detail).toMatch(/one key|came 2 times/);
	}
	const large = await problem(bearer(secret), { method: 'POST', body: 'x'.repeat(20_000) });
	expect(large).toMatchObject({ status: 400, detail: expect.stringContaining('too large') });
	await company.owner.api.credentials.revoke.mutate(place);
	expect(await problem(bearer(secret))).toMatchObject({ status: 401, reason: 'revoked' });
});

test('a parameter of the address counts only where it is switched on, wherever the gateway puts the address', async () => {
	const { secret } = await createKeyOf(company);
	const { token: off } = await createGateway(portal);
	const { token: on } = await createGateway(portal, { queryName: 'api_key' });
	const query = `?api_key=${secret}`;
	const ways: [HeadersInit, string][] = [
		[{ 'x-forwarded-uri': `/v1/things${query}&a=b` }, ''],
		[{}, query],
		[{}, `/v1/things${query}`]
	];
	for (const [headers, path] of ways) {
		expect((await forward(origin, off, headers, { path })).status).toBe(401);
		expect((await forward(origin, on, headers, { path })).status).toBe(200);
		expect((await forward(origin, on, { ...headers, 'x-api-key': secret }, { path })).status).toBe(400);
	}
	expect((await forward(origin, on, {}, { path: `${query}&api_key=${secret}` })).status).toBe(400);
	expect(portal.server.logs).not.toContain(secret);
});

test('nginx gets 401 and 403 alone, with the status that is meant beside it', async () => {
	const { token } = await createGateway(portal, { kind: 'nginx' });
	const { secret } = await createKeyOf(company);
	const meant = async (headers: HeadersInit) => {
		const { status, headers: said } = await forward(origin, token, headers);
		return [status, said.get('x-portico-status')];
	};
	expect(await meant(bearer(secret))).toEqual([200, '200']);
	expect(await meant({})).toEqual([401, '401']);
	expect(await meant({ ...bearer(secret), 'x-api-key': secret })).toEqual([403, '400']);
});

test('without the token of a gateway: 401, and nothing of the key in any log, wherever it stands', async () => {
	const { secret } = await createKeyOf(company);
	const wrong = `pgw_${'a'.repeat(43)}`;
	for (const token of [null, '', 'x', wrong, `${environmentToken}x`]) {
		const places: [HeadersInit, string][] = [
			[bearer(secret), ''],
			[{ 'x-api-key': secret }, ''],
			[{ 'x-forwarded-uri': `/?api_key=${secret}` }, ''],
			[{}, `?api_key=${secret}`],
			[{}, `/${secret}/%zz`]
		];
		for (const [headers, path] of places) {
			const { status, text } = await forward(origin, token, headers, { path });
			expect([status, text.includes(company.name)]).toEqual([401, false]);
		}
	}
	// A person is no gateway, whoever they are.
	const asAdmin = await portal.admin.request('/api/forward-auth', { headers: bearer(secret) });
	expect(asAdmin.status).toBe(401);
	expect(portal.server.logs).not.toContain(secret.slice(4, 20));
	expect(portal.server.logs).not.toContain(wrong);
});

test('“Try it” tells portal admins what a key is worth and why, leaves no trace of it, and not without end', async () => {
	const person = await portal.person();
	const { place, secret, application } = await createKeyOf(company);
	const { check } = portal.admin.api.gateways;
	expect(await refusal(person.api.gateways.check.mutate({ key: secret }))).toMatchObject({ status: 403 });
	expect(await check.mutate({ key: ` ${secret}\n` })).toMatchObject({
		status: 200,
		answer: { isActive: true, application: { name: application.name }, credential: { label: 'Default' } }
	});
	await company.owner.api.credentials.revoke.mutate(place);
	expect(await check.mutate({ key: secret })).toMatchObject({
		status: 401,
		answer: { isActive: false, reason: 'revoked', identity: { organization: { name: company.name } } }
	});
	const refused: unknown[] = [];
	for (let time = 0; time < 40 && refused.length === 0; time++) {
		await check.mutate({ key: secret }).catch((error: unknown) => refused.push(error));
	}
	expect(await refusal(Promise.reject(refused[0] as Error))).toMatchObject({ status: 429 });
	const { events } = await portal.admin.api.activity.listPortal.query({});
	expect(JSON.stringify([events, portal.server.logs])).not.toContain(secret);
});
