import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCut } from './cut.ts';
import { getPortal, password, refusal, startPortal, unique, uniqueEmail, type Portal } from './factories.ts';
import { createGateway, createKeyOf } from './gateways.ts';
import { createDatabase } from './harness.ts';

/** `GET /metrics`, as Prometheus asks for it, and the dashboard that is drawn from it. */

const token = 'a-token-of-prometheus-long-enough-to-be-one';
const older = 'an-older-token-that-still-holds-for-a-while';
let portal: Portal;
beforeAll(async () => {
	portal = await startPortal({ METRICS_TOKEN: `${older}, ${token}` });
});
afterAll(() => portal.stop());

const soon = <Result>(look: () => Promise<Result>) => vi.waitFor(look, { timeout: 240_000, interval: 200 });

const ask = (bearer: string | null, path = '/metrics') =>
	fetch(`${portal.server.origin}${path}`, {
		redirect: 'manual',
		headers: bearer === null ? {} : { authorization: `Bearer ${bearer}` }
	});

/** With what is expected in its place, and no figure. */
async function expectRefused(response: Response, what: string) {
	expect(response.status, what).toBe(401);
	expect(response.headers.get('www-authenticate'), what).toBe('Bearer');
	expect(response.headers.get('cache-control'), what).toBe('no-store');
	expect(await response.text(), what).toBe(
		'Send one of the tokens in METRICS_TOKEN as “Authorization: Bearer TOKEN”.'
	);
}

interface Sample {
	name: string;
	labels: Record<string, string>;
	value: number;
}

/** What an answer holds, line by line. */
async function read() {
	const response = await ask(token);
	expect(response.status).toBe(200);
	const text = await response.text();
	const types = new Map<string, string>();
	const samples: Sample[] = [];
	for (const line of text.split('\n')) {
		const [, declared, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
		if (declared && type) types.set(declared, type);
		const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
		if (!name) continue;
		const pairs = [...labels.matchAll(/([a-z_]{1,20})="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [
			key,
			text
		]);
		samples.push({ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) });
	}
	const value = (name: string, labels: Record<string, string> = {}) =>
		samples.find((one) => one.name === name && Object.entries(labels).every(([k, v]) => one.labels[k] === v))
			?.value ?? 0;
	return { response, text, types, samples, value };
}

test('is told to whoever has the token, and to nobody else', async () => {
	const { response } = await read();
	expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
	expect(response.headers.get('cache-control')).toBe('no-store');
	expect((await ask(older)).status).toBe(200);
	for (const bearer of [null, '', 'wrong', `${token}x`, `${older}, ${token}`]) {
		const refused = await ask(bearer);
		await expectRefused(refused, String(bearer));
	}
	const forms = [
		token,
		`Basic ${Buffer.from(`prometheus:${token}`).toString('base64')}`,
		`Bearer${token}`,
		'Bearer'
	];
	for (const authorization of forms)
		await expectRefused(
			await fetch(`${portal.server.origin}/metrics`, { headers: { authorization } }),
			authorization
		);
	const lower = await fetch(`${portal.server.origin}/metrics`, {
		headers: { authorization: `bearer ${token}` }
	});
	expect(lower.status).toBe(200);
	// A portal admin is no operator: a session opens nothing here.
	expect((await portal.admin.request('/metrics')).status).toBe(401);
	expect((await portal.admin.request('/metrics', { method: 'POST' })).status).toBe(401);
	expect(portal.server.logs).not.toContain(token);
});

test('says what was called and answered, told, connected and sent', async () => {
	const before = await read();
	const company = await portal.company({ admin: portal.admin });
	const page = await company.owner.listen();
	await page.until(() => page.words.includes('news true'), 'the news');
	const application = await portal.application(company);
	await page.until(() => page.events.length > 0, 'an event');
	const { token: gatewayToken } = await createGateway(portal);
	const { secret } = await createKeyOf(company);
	const answered = (samples: Awaited<ReturnType<typeof read>>, answer: string) =>
		samples.value('portico_memory_reads_total', { memory: 'keys', answer });
	let questions = 0;
	// Until one was answered from memory: what has just happened to a key is heard a moment later, and ends what was kept.
	await soon(async () => {
		questions += 1;
		const response = await fetch(`${portal.server.origin}/api/introspect`, {
			method: 'POST',
			body: new URLSearchParams({ token: secret }),
			headers: { authorization: `Bearer ${gatewayToken}` }
		});
		expect(await response.json()).toMatchObject({ active: true });
		expect(answered(await read(), 'hit')).toBeGreaterThan(answered(before, 'hit'));
	});
	const stranger = await portal.person();
	const place = { organizationId: company.id, applicationId: application.id };
	expect(await refusal(stranger.api.applications.delete.mutate(place))).toMatchObject({ status: 404 });
	await company.owner.api.invitations.create.mutate({
		organizationId: company.id,
		firstName: 'In',
		lastName: unique('Vitee'),
		email: uniqueEmail(),
		role: 'team_member'
	});
	await soon(async () => {
		const after = await read();
		const grown = (name: string, labels?: Record<string, string>) =>
			after.value(name, labels) - before.value(name, labels);
		expect(grown('portico_calls_total', { path: 'applications.create', status: '200' })).toBe(2);
		expect(grown('portico_calls_total', { path: 'applications.delete', status: '404' })).toBe(1);
		expect(grown('portico_call_seconds_count', { path: 'applications.create' })).toBe(2);
		expect(grown('portico_queue_seconds_count')).toBeGreaterThan(2);
		expect(grown('portico_requests_total', { kind: 'call', status: '200' })).toBeGreaterThan(3);
		expect(grown('portico_event_age_seconds_count')).toBeGreaterThan(0);
		expect(after.value('portico_sockets')).toBe(1);
		expect(after.value('portico_presence_rooms')).toBe(1);
		expect(after.value('portico_people_online')).toBe(1);
		const asked = { hit: answered(after, 'hit'), miss: answered(after, 'miss') };
		expect(asked.hit - answered(before, 'hit')).toBe(1);
		expect(asked.hit + asked.miss).toBe(questions);
		expect(after.value('portico_memory_entries', { memory: 'gateways' })).toBe(1);
		expect(after.value('portico_news_current')).toBe(1);
		expect(after.value('portico_database_up')).toBe(1);
		expect(grown('portico_mails_noted_total', { state: 'sent' })).toBeGreaterThan(0);
		expect(after.value('portico_mails', { state: 'queued' })).toBe(0);
		expect(after.value('portico_mail_oldest_seconds')).toBe(0);
		expect(after.value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
	});
});

test('counts what waits: an e-mail whose server is away, its job, and how old it is', async () => {
	const away = await startPortal({
		METRICS_TOKEN: token,
		SMTP_URL: 'smtp://127.0.0.1:1',
		MAIL_RETRY_SECONDS: '3600'
	});
	try {
		await away.visitor().api.accounts.register.mutate({
			email: uniqueEmail(),
			firstName: 'Wai',
			lastName: 'Ting',
			password
		});
		const shown = async () => {
			const response = await fetch(`${away.server.origin}/metrics`, {
				headers: { authorization: `Bearer ${token}` }
			});
			return response.text();
		};
		await soon(async () => {
			const text = await shown();
			expect(text).toMatch(/^portico_mails\{state="queued"\} [1-9]/m);
			expect(text).toMatch(/^portico_mail_oldest_seconds [\d.]*[1-9]/m);
			expect(text).toMatch(/^portico_jobs\{queue="mail",state="deferred"\} [1-9]/m);
			expect(text).toMatch(/^portico_mails_noted_total\{state="queued"\} [1-9]/m);
		});
	} finally {
		await away.stop();
	}
});

test('tells what the process knows of itself while the database is away, and all of it again afterwards', async () => {
	const database = await createDatabase({ isPrepared: true });
	const way = await startCut(database.url);
	const away = await startPortal({ METRICS_TOKEN: token, DATABASE_URL: way.url });
	const shown = async () => {
		const response = await fetch(`${away.server.origin}/metrics`, {
			headers: { authorization: `Bearer ${token}` }
		});
		expect(response.status).toBe(200);
		return response.text();
	};
	try {
		expect(await shown()).toMatch(/^portico_database_up 1$/m);
		await way.cut();
		const text = await shown();
		expect(text).toMatch(/^portico_database_up 0$/m);
		expect(text).toMatch(/^portico_sockets 0$/m);
		expect(text).not.toMatch(/^portico_(?:(?:mails|jobs)\{|mail_oldest_seconds|people_online)/m);
		await way.mend();
		await soon(async () => expect(await shown()).toMatch(/^portico_mails\{state="queued"\} 0$/m));
	} finally {
		await away.stop();
		await way.stop();
		await database.drop();
	}
});

test('has no label that somebody could make up', async () => {
	const made = unique('made-up');
	await Promise.all(
		[
			`/${made}`,
			`/trpc/${made}.list`,
			`/trpc/sessions.get?x=${made}`,
			`/api/${made}`,
			`/_app/${made}.js`
		].map((path) => portal.admin.request(path))
	);
	const { text, samples } = await read();
	expect(text).not.toContain(made);
	expect(text).not.toContain(portal.admin.address);
	expect(text).not.toMatch(/[\da-f]{8}-[\da-f]{4}|@/);
	const words: Record<string, RegExp> = {
		path: /^[a-zA-Z]+\.[a-zA-Z]+$/,
		status: /^[1-5]\d\d$/,
		kind: /^(?:call|api|file|health|metrics|page)$/,
		memory: /^(?:keys|gateways|products|emails)$/,
		answer: /^(?:hit|miss)$/,
		state: /^(?:queued|kept|failed|sent|outdated|deferred|ready|active)$/,
		queue: /^(?:mail|tidy)$/
	};
	for (const { name, labels } of samples.filter((one) => one.name.startsWith('portico_')))
		for (const [label, value] of Object.entries(labels))
			if (label !== 'le') expect(value, `${name} ${label}`).toMatch(words[label] ?? /^$/);
});

test('the dashboard for Grafana asks for nothing that isn’t told, and leaves nothing of ours out', async () => {
	const dashboard = JSON.parse(await readFile('docs/operating/grafana.json', 'utf8')) as {
		panels: { id: number; title: string; targets: { expr: string }[] }[];
	};
	const { types, samples } = await read();
	const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
	expect(expressions.length).toBeGreaterThan(15);
	expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
	/** Of a histogram three names are asked for; each belongs to the one that is declared. */
	const declared = (name: string) => {
		const base = name.replace(/_(?:bucket|sum|count)$/, '');
		return types.get(base) === 'histogram' && base !== name ? base : types.has(name) ? name : null;
	};
	const asked = new Set<string>();
	for (const expression of expressions) {
		for (const [name] of expression.matchAll(/\b(?:portico|process|nodejs)_\w+/g)) {
			const base = declared(name);
			expect(base, `${name} in ${expression}`).not.toBeNull();
			if (base) asked.add(base);
			const labels = new Set(
				samples.filter((one) => one.name === name).flatMap((one) => Object.keys(one.labels))
			);
			for (const label of ['path', 'status', 'kind', 'state', 'queue', 'memory', 'answer']) {
				const isAsked = new RegExp(`by \\([^)]*\\b${label}\\b|\\b${label}=~`).test(expression);
				if (isAsked) expect(labels, `${label} in ${expression}`).toContain(label);
			}
		}
	}
	const ours = [...types.keys()].filter((name) => name.startsWith('portico_'));
	expect(ours.length).toBeGreaterThan(12);
	expect([...asked].filter((name) => name.startsWith('portico_')).toSorted()).toEqual(ours.toSorted());
});

test('is not there without a token in the environment', async () => {
	const without = await getPortal();
	const response = await without
		.visitor()
		.request('/metrics', { headers: { authorization: `Bearer ${token}` } });
	expect(response.status).toBe(404);
	expect(await response.text()).not.toContain('portico_');
	await without.stop();
});
