import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../src/identity/tokens.ts';
import { adminPassword, password, startPortal, uniqueEmail, type Portal } from './factories.ts';

/** No secret is in a line of the log: that of a link neither, however its address is spelled and whatever goes wrong. */

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal({ LOG_LEVEL: 'trace' });
});
afterAll(() => portal.stop());

const kinds = ['invitations', 'setup', 'verify-email', 'reset-password', 'unsubscribe'];

/** The path as it stands: `fetch` would tidy it up. */
function ask(path: string, { method = 'GET', body = '', type = 'application/json' } = {}): Promise<number> {
	return new Promise((resolve, reject) => {
		const headers = {
			origin: portal.server.origin,
			accept: 'text/html',
			...(body && { 'content-type': type, 'content-length': Buffer.byteLength(body) })
		};
		const asking = request({ host: 'localhost', port: portal.server.port, path, method, headers });
		asking.on('error', reject).on('response', async (response) => {
			await text(response);
			resolve(response.statusCode ?? 0);
		});
		asking.end(body);
	});
}

const percent = (given: string) => [...given].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('');

const spellings = (kind: string, token: string) => [
	`/${kind}/${token}`,
	`//${kind}/${token}`,
	`///${kind}///${token}`,
	`/${percent(kind.slice(0, 1))}${kind.slice(1)}/${token}`,
	`/%25${percent(kind.slice(0, 1)).slice(1)}${kind.slice(1)}/${token}`,
	`/${percent(kind)}/${token}`,
	`/${kind}//${token}`,
	`/${kind}/./${token}`,
	`/x/../${kind}/${token}`,
	`/${kind}%2f${token}`,
	`/${kind}%252F${token}`,
	`/${kind}%5C${token}`,
	`/${kind.toUpperCase()}/${token}`,
	`/${kind}/${token}/`,
	`/${kind}/${token}/more/and/more`,
	`/${kind}/more/${token}`,
	`/${kind}/${token}/__data.json`,
	`/${kind}/${token}?from=mail`,
	`/${kind}?token=${token}`,
	`/${kind}?link=${token}`,
	`/${kind}/__data.json?link=${token}`,
	`/${kind}/${percent(token)}`,
	`/${kind}/${token}%E0%A4`,
	`/${kind}/${token}%00`,
	`/${kind};${token}`,
	`/${token}`,
	`/orgs/${token}`,
	`/api/${token}`,
	`/api/organizations/${token}/activity.csv`
];

/** How often each of the secrets, or what a reader could make one of, stands in the log by now. */
function found(secrets: string[]): string[] {
	const lines = portal.server.logs.split('\n');
	return lines.filter((line) =>
		secrets.some((secret) => line.includes(secret) || line.toLowerCase().includes(percent(secret)))
	);
}

/** Resolves when the log has told of everything before. */
async function settle() {
	const path = `/last-${createToken().slice(0, 8)}`;
	await ask(path);
	await portal.server.waitForLog(new RegExp(path));
}

test.each(kinds)('of /%s, on pages', async (kind) => {
	const token = createToken();
	for (const path of spellings(kind, token)) {
		await ask(path);
		await ask(path, { method: 'HEAD' });
		await ask(path, { method: 'POST', body: `token=${token}`, type: 'application/x-www-form-urlencoded' });
		await ask(path, { method: 'PUT', body: token, type: 'text/plain' });
	}
	await settle();
	expect(found([token])).toEqual([]);
});

const queries = [
	'invitations.open',
	'accounts.openEmail',
	'accounts.openReset',
	'setup.open',
	'preferences.open'
];
const changes = [
	'invitations.accept',
	'invitations.decline',
	'accounts.verifyEmail',
	'accounts.reset',
	'setup.complete',
	'preferences.unsubscribe'
];

test('of any link, in calls', async () => {
	const token = createToken();
	for (const name of [...queries, ...changes]) {
		const inputs = [JSON.stringify({ token }), token, `{"token":"${token}`, JSON.stringify({ 0: { token } })];
		for (const input of inputs) {
			const query = encodeURIComponent(input);
			await ask(`/trpc/${name}?input=${query}`);
			await ask(`/trpc/${name},${name}?batch=1&input=${query}`);
			await ask(`/trpc/${name}?${query}`);
			await ask(`//trpc/${name}?input=${query}`);
			await ask(`/trpc/${name}/${percent(token)}`);
			await ask(`/trpc/${name}.${token}?input=${query}`);
			await ask(`/trpc/${name}`, { method: 'POST', body: input });
			await ask(`/trpc/${token}`, { method: 'POST', body: input });
		}
	}
	await settle();
	expect(found([token])).toEqual([]);
});

test('of links that are good, when they are opened and used, and when the database repeats them in its words', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { token } = await portal.invitation(company);
	const reset = await portal.askForReset(company.owner.email);
	const verification = createToken();
	const tables = ['rate_limit', 'known_device', 'mail_opt_out'];
	await portal.inDatabase(async (db) => {
		for (const table of tables) {
			await sql`
				create function ${sql.raw(`repeat_${table}`)}() returns trigger language plpgsql as $$
				begin raise exception ${sql.lit(`no room for ${token}, %2f${percent(reset)}, /verify-email/${verification}`.replaceAll('%', '%%'))}; end
				$$`.execute(db);
			await sql
				.raw(
					`create trigger ${table} before insert or update on ${table}
					for each row execute function repeat_${table}()`
				)
				.execute(db);
		}
	});
	const statuses = [];
	for (const [name, input] of [
		['invitations.accept', { token, password }],
		['accounts.reset', { token: reset, password }],
		['accounts.verifyEmail', { token: verification }],
		['accounts.requestReset', { email: company.owner.email }]
	] as const) {
		statuses.push(await ask(`/trpc/${name}`, { method: 'POST', body: JSON.stringify(input) }));
	}
	expect(statuses).toEqual([500, 500, 500, 500]);
	const form = { method: 'POST', body: `password=${password}`, type: 'application/x-www-form-urlencoded' };
	for (const [path, secret] of [
		['invitations', token],
		['reset-password', reset]
	] as const) {
		const visitor = portal.visitor();
		const opened = await visitor.request(`/${path}/${secret}`);
		const page = opened.headers.get('location') ?? '';
		expect((await visitor.request(page)).status).toBe(200);
		const body = new URLSearchParams(form.body);
		await visitor.request(page, { method: 'POST', body, headers: { accept: 'text/html' } });
	}
	await settle();
	expect(portal.server.logs).toMatch(/"message":"no room for …/);
	expect(found([token, reset, verification])).toEqual([]);
	await portal.inDatabase(async (db) => {
		for (const table of tables) await sql.raw(`drop function repeat_${table}() cascade`).execute(db);
	});
});

test('logs, activity and what is sent hold no password, token, hash or secret', async () => {
	const owner = await portal.person({ isFrontDoor: true });
	const company = await portal.company({ owner, admin: portal.admin });
	const { token } = await portal.invitation(company);
	await portal.visitor().request(`/invitations/${token}`);
	await portal.visitor().api.invitations.accept.mutate({ token, password });
	const application = await portal.application(company);
	const place = {
		organizationId: company.id,
		applicationId: application.id,
		credentialId: application.credentials[0]?.id ?? ''
	};
	const { secret } = await company.owner.api.credentials.reveal.mutate(place);
	await portal
		.visitor()
		.api.sessions.create.mutate({ email: uniqueEmail(), password: 'mistyped password' })
		.catch(() => null);
	const verification = await portal.tokenFor(company.owner.email, 'verify-email');
	const { events } = await company.owner.api.activity.list.query({ organizationId: company.id });
	const told = await portal.admin.api.activity.listPortal.query({});
	const mailed = await portal.admin.api.messages.list.query({});
	const hashes = await portal.inDatabase(async (db) => [
		...(await db.selectFrom('account').select('passwordHash').execute()).map((row) => row.passwordHash),
		...(await db.selectFrom('session').select('id').execute()).map((row) => row.id),
		...(await db.selectFrom('credential').select(['secret', 'lookupHash']).execute()).flatMap((row) => [
			row.secret,
			row.lookupHash
		])
	]);
	const sent = portal.smtp.messages.map(({ text, html, subject }) => `${subject}${text}${html}`).join();
	expect(events.length).toBeGreaterThan(4);
	expect(hashes.length).toBeGreaterThan(6);
	const everywhere = portal.server.logs + JSON.stringify([events, told, mailed]);
	expect(everywhere).toContain(company.name);
	const secrets = [password, adminPassword, 'mistyped password', secret, token, verification, ...hashes];
	for (const one of [...secrets, company.owner.cookie().split('=')[1] ?? '']) {
		expect(one.length).toBeGreaterThan(9);
		expect(everywhere).not.toContain(one);
	}
	for (const one of [password, adminPassword, secret, ...hashes]) expect(sent).not.toContain(one);
});
