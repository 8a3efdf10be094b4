import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertProduct } from './offers.ts';
import { startPortal, type Company, type Portal } from './factories.ts';

/** What gateways report that check by themselves: `POST /api/usage`. */

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
const nowhere = '00000000-0000-4000-8000-000000000000';
let portal: Portal;
let company: Company;
beforeAll(async () => {
	portal = await startPortal({ GATEWAY_TOKEN: gatewayToken });
	company = await portal.company({ admin: portal.admin });
});
afterAll(() => portal.stop());

async function send(body: unknown, headers: Record<string, string> = {}) {
	const response = await fetch(`${portal.server.origin}/api/usage`, {
		method: 'POST',
		body: typeof body === 'string' ? body : JSON.stringify(body),
		headers: { authorization: `Bearer ${gatewayToken}`, 'content-type': 'application/json', ...headers }
	});
	const text = await response.text();
	return {
		status: response.status,
		text,
		answer: text.startsWith('{') ? (JSON.parse(text) as unknown) : null
	};
}

let keys = 0;
const key = () => ({ 'idempotency-key': `report ${++keys}`.replace(' ', '-') });
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

async function furnish() {
	const application = await portal.application(company);
	const row = (count: number, answer = 'allowed') => ({
		credentialId: application.credentials[0]?.id ?? '',
		at: ago(60_000),
		answer,
		count
	});
	const total = async () => {
		const place = { organizationId: company.id, applicationId: application.id };
		return (await company.owner.api.usage.get.query({ ...place, range: 'day' })).total;
	};
	return { application, row, total };
}

test('a report is counted once, also when it comes twice, at once, and many times at once', async () => {
	const { row, total } = await furnish();
	const rows = [row(5), row(2), row(3, 'revoked')];
	const head = key();
	const first = await send({ rows }, head);
	expect([first.status, first.answer]).toEqual([200, { counted: 3, refused: [] }]);
	expect(await send({ rows }, head)).toEqual(first);
	expect(await total()).toEqual({ allowed: 7, refused: 3 });
	const again = key();
	const answers = await Promise.all(Array.from({ length: 12 }, () => send({ rows }, again)));
	expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
	expect(await total()).toEqual({ allowed: 14, refused: 6 });
	// The same key for something else is a mistake that nobody should find out from the figures.
	expect((await send({ rows: [row(1)] }, head)).status).toBe(422);
	expect(await total()).toEqual({ allowed: 14, refused: 6 });
});

test('a row may name the API product that was called', async () => {
	const { application, row, total } = await furnish();
	const [opened, other] = [await insertProduct(portal), await insertProduct(portal)];
	const organizationId = company.id;
	const { granted } = await company.owner.api.accesses.request.mutate({
		organizationId,
		applicationId: application.id,
		product: opened.slug,
		planId: opened.plans.Trial ?? ''
	});
	const rows = [
		{ ...row(5), product: opened.slug },
		{ ...row(2), credentialId: row(0).credentialId.toUpperCase(), product: opened.slug },
		{ ...row(3, 'limited'), product: opened.slug },
		{ ...row(7), product: other.slug },
		{ ...row(7), product: 'nothing-of-that-name' },
		row(1)
	];
	const { answer } = await send({ rows }, key());
	expect(answer).toEqual({
		counted: 4,
		refused: [
			{ row: 3, reason: 'no access' },
			{ row: 4, reason: 'no access' }
		]
	});
	expect(await total()).toEqual({ allowed: 8, refused: 3 });
	const list = await company.owner.api.quotas.list.query({ organizationId });
	expect(list.opened).toEqual({ [granted?.id ?? '']: 7 });
});

test('a row is refused by itself, and of a credential that nobody knows nothing else is said', async () => {
	const { application, row, total } = await furnish();
	const gone = await furnish();
	await company.owner.api.applications.delete.mutate({
		organizationId: company.id,
		applicationId: gone.application.id
	});
	const rows = [
		{ ...row(1), credentialId: nowhere },
		row(2),
		gone.row(1),
		{ ...row(1), credentialId: application.id },
		{ ...row(1), at: ago(2 * 86_400_000) },
		{ ...row(1), at: ago(-3_600_000) },
		{ ...row(1), at: ago(3_600_000) }
	];
	const { answer } = await send({ rows }, key());
	expect(answer).toEqual({
		counted: 1,
		refused: [
			{ row: 0, reason: 'unknown' },
			{ row: 2, reason: 'unknown' },
			{ row: 3, reason: 'unknown' },
			{ row: 4, reason: 'too old' },
			{ row: 5, reason: 'in the future' },
			{ row: 6, reason: 'before it existed' }
		]
	});
	expect(await total()).toEqual({ allowed: 2, refused: 0 });
});

test('only a gateway reports, in the one form, and no more at once than a body holds', async () => {
	const { row, total } = await furnish();
	const right = row(1);
	for (const authorization of ['', 'Bearer wrong', `Bearer ${gatewayToken}x`]) {
		expect([400, 401]).toContain((await send({ rows: [right] }, { ...key(), authorization })).status);
	}
	const asPerson = await company.owner.request('/api/usage', {
		method: 'POST',
		body: JSON.stringify({ rows: [right] }),
		headers: key()
	});
	expect(asPerson.status).toBe(401);
	const wrong: unknown[] = [
		'',
		'{',
		'[]',
		'null',
		{},
		{ rows: [] },
		{ rows: [null] },
		{ rows: [right], extra: 1 },
		{ rows: [{ ...right, extra: 1 }] },
		{ rows: [{ ...right, credentialId: 'x' }] },
		{ rows: [{ ...right, credentialId: `${right.credentialId}\u0000` }] },
		{ rows: [{ ...right, at: 'yesterday' }] },
		{ rows: [{ ...right, at: '2026-13-45T00:00:00Z' }] },
		{ rows: [{ ...right, at: '0001-01-01T00:00:00Z' }] },
		{ rows: [{ ...right, at: `${right.at.slice(0, 19)}.${'1'.repeat(200)}Z` }] },
		{ rows: [{ ...right, answer: 'welcomed' }] },
		...[0, -1, 1.5, '1', null, 1e9].map((count) => ({ rows: [{ ...right, count }] })),
		{ rows: Array.from({ length: 1001 }, () => right) }
	];
	for (const body of wrong)
		expect([JSON.stringify(body), (await send(body, key())).status]).toEqual([JSON.stringify(body), 400]);
	for (const name of ['', 'x'.repeat(201), 'with space'])
		expect((await send({ rows: [right] }, { 'idempotency-key': name })).status).toBe(400);
	expect((await send('{', key())).answer).toEqual({ error: 'The body is not JSON.' });
	expect((await send({ rows: [right] })).status).toBe(400);
	for (const [method, path, status] of [
		['OPTIONS', '/api/usage', 405],
		['GET', '/api/usage', 405],
		['POST', '/api/usage/', 404]
	] as const) {
		const headers = { authorization: `Bearer ${gatewayToken}` };
		const answer = await fetch(`${portal.server.origin}${path}`, { method, headers });
		expect([method, path, answer.status]).toEqual([method, path, status]);
		expect(await answer.json()).toHaveProperty('error');
	}
	expect((await send(' '.repeat(450_000), key())).status).toBe(413);
	expect(await total()).toEqual({ allowed: 0, refused: 0 });
	expect((await send({ rows: Array.from({ length: 1000 }, () => right) }, key())).status).toBe(200);
	expect(await total()).toEqual({ allowed: 1000, refused: 0 });
});
