import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	adminPassword,
	password,
	startPortal,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import { hostile, inputWith, procedures, send } from './inputs.ts';

/** INPUT_RUNS makes the search longer, INPUT_SEED repeats one. */
const runs = Number(process.env.INPUT_RUNS ?? 6);
const seed = Number(process.env.INPUT_SEED ?? Date.now() % 1_000_000);
const gatewayToken = 'a gateway token for tests'.replaceAll(' ', '-').padEnd(40, 'x');

let portal: Portal;
let person: Person;
let company: Company;
let known: Record<string, unknown>;
beforeAll(async () => {
	portal = await startPortal({ GATEWAY_TOKEN: gatewayToken });
	person = await portal.person();
	company = await portal.company({ owner: person, admin: portal.admin });
	const application = await portal.application(company);
	known = {
		organizationId: company.id,
		slug: company.slug,
		applicationId: application.id,
		credentialId: application.credentials[0]?.id
	};
});
afterAll(() => portal.stop());

describe(`what nobody means (INPUT_SEED=${seed}, INPUT_RUNS=${runs})`, () => {
	const anything = fc.oneof(
		fc.constantFrom(...hostile),
		fc.string({ unit: 'binary', maxLength: 30 }),
		fc.integer(),
		fc.double(),
		fc.jsonValue({ maxDepth: 2 })
	);

	async function signedIn(by: Visitor, email: string, secret: string) {
		const { account } = await by.api.sessions.get.query({});
		if (!account) await by.api.sessions.create.mutate({ email, password: secret });
		return by;
	}
	const callers: [string, () => Promise<Visitor>][] = [
		['nobody', async () => portal.visitor()],
		['a developer', () => signedIn(person, person.email, password)],
		['an admin', () => signedIn(portal.admin, 'admin@example.test', adminPassword)]
	];

	test.each(callers)(
		'is never an error of the server, in any procedure, called by %s',
		{ timeout: 600_000 },
		async (_, getCaller) => {
			const failures: string[] = [];
			for (const { path, type, leaves } of procedures) {
				const by = await getCaller();
				const whole = anything.map((value) => (leaves.length === 0 ? value : [value]));
				const input =
					leaves.length === 0
						? whole
						: fc
								.tuple(fc.constantFrom(...leaves), anything)
								.map(([leaf, value]) => inputWith(leaves, leaf, value, known));
				const check = fc.asyncProperty(
					fc.oneof({ weight: 9, arbitrary: input }, { weight: 1, arbitrary: whole }),
					async (given) => {
						const status = await send(by, path, type, given);
						if (status >= 500) failures.push(`${path}: ${status} for ${JSON.stringify(given)}`);
					}
				);
				await fc.assert(check, { seed, numRuns: runs, endOnFailure: true });
			}
			expect(failures).toEqual([]);
		}
	);

	test('is none either in each of the values that are known to break things, where lists go on', async () => {
		const failures: string[] = [];
		await signedIn(portal.admin, 'admin@example.test', adminPassword);
		for (const { path, type, leaves } of procedures.filter(({ type }) => type === 'query')) {
			for (const leaf of leaves) {
				for (const value of hostile) {
					const given = inputWith(leaves, leaf, value, known);
					const status = await send(portal.admin, path, type, given);
					if (status >= 500) failures.push(`${path}: ${status} for ${JSON.stringify(given)}`);
				}
			}
		}
		expect(failures).toEqual([]);
	}, 600_000);

	/** As raw as somebody may send it: what fetch would mend or refuse arrives. */
	const raw = (
		path: string,
		init: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}
	) =>
		new Promise<number>((resolve, reject) => {
			const { method = 'GET', headers = {}, body } = init;
			const asking = request({
				host: '127.0.0.1',
				port: portal.server.port,
				path,
				method,
				headers: {
					host: new URL(portal.server.origin).host,
					origin: portal.server.origin,
					cookie: portal.admin.cookie(),
					accept: 'text/html',
					...headers
				}
			});
			asking.on('error', reject).on('response', (answer) => {
				answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
			});
			asking.end(body);
		});

	const routes = join(import.meta.dirname, '..', 'routes');
	const files = readdirSync(routes, { recursive: true, encoding: 'utf8' });
	const pathOf = (file: string) => `/${dirname(file).replace(/^\.$/, '')}`;
	const parts = [
		'%00',
		'x%00y',
		'%E0%A4%A',
		'%',
		'%ff',
		'%ED%A0%80',
		'..%2f..',
		'%2e%2e',
		'%5c',
		'%20',
		'%0d%0aX:y',
		'x'.repeat(5000),
		'👩'
	];
	const encode = (part: string) => part.replace(/[^\x20-\x7e]/gu, encodeURIComponent);
	const queries = [
		'next=%00',
		'next=//evil&next=/dashboard',
		'search=%00&search=b',
		'search=%ff%fe',
		`search=${'%F0%9F%91%A9'.repeat(200)}a`,
		'status=__proto__&state=constructor&kind=toString',
		'from=0000-01-01&to=9999-12-31&zone=Pacific/Kiritimati',
		'from=0001-01-01&to=2026-02-30&zone=%00',
		'from=1970-01-01&to=9998-12-31&zone=%2B14:00',
		'person=%00&organization=%00',
		'person=junk&organization[]=a&organization=b',
		'%=%&&&==&%E0%A4%A=1',
		'x-sveltekit-invalidated=%00'
	];

	test('is none in the address of a page', { timeout: 600_000 }, async () => {
		const failures: string[] = [];
		const look = async (path: string, headers: Record<string, string> = {}) => {
			const status = await raw(path, { headers });
			if (status >= 500 || status === 0) failures.push(`${path.slice(0, 100)}: ${status}`);
		};
		const pages = files
			.filter((file) => /\+(page\.svelte|server\.ts|page\.server\.ts)$/.test(file))
			.map(pathOf);
		expect(pages.length).toBeGreaterThan(25);
		for (const page of new Set(pages)) {
			const here = page.replace('[slug]', company.slug).replace('[name]', 'account-registered');
			if (page.includes('[')) for (const part of parts) await look(page.replace(/\[\w+\]/g, encode(part)));
			for (const query of queries) await look(`${here.replace(/\[\w+\]/g, 'x')}?${query}`);
			await look(`${here.replace(/\[\w+\]/g, 'x')}/__data.json?x-sveltekit-invalidated=%00`);
		}
		for (const part of parts) {
			await look(`/trpc/${encode(part)}`);
			await look(`/trpc/sessions.get?input=${encode(part)}`);
			await look(`/trpc/sessions.get,${encode(part)}?batch=1&input=%7B%7D`);
			await look(`/${encode(part)}/${encode(part)}`);
			await look(`/api/activity.csv?from=${encode(part)}&person=${encode(part)}&zone=${encode(part)}`);
			await look(`/api/organizations/${encode(part)}/activity.jsonl`);
			await look('/login', {
				cookie: `portico=${encode(part)}; portico_device=${encode(part)}; portico_invitations=${encode(part)}`
			});
			await look('/invitations', { cookie: `portico_invitations=${encode(part)}; =; ;;=%` });
			await look('/dashboard', {
				'user-agent': encode(part),
				'x-forwarded-for': encode(part),
				accept: encode(part)
			});
		}
		for (const query of queries) await look(`/api/activity.csv?${query}`);
		for (const path of [
			'//',
			'///x',
			'/\\',
			'/.',
			'/..',
			'/?',
			'/%2f%2fevil',
			'http://evil.example/login',
			'/login?%'
		])
			await look(path);
		expect(failures).toEqual([]);
	});

	test('is none in the form of a page, of a mail program or of a gateway', { timeout: 600_000 }, async () => {
		const failures: string[] = [];
		const boundary = 'multipart/form-data; boundary=x';
		const bodies: [type: string, body: string | Buffer][] = [
			[boundary, 'junk'],
			[boundary, ''],
			[boundary, '--x\r\n'],
			[boundary, '--x\r\ncontent-disposition: form-data\r\n\r\nx\r\n--x--'],
			[boundary, '--x\r\ncontent-disposition: form-data; name="email"; filename="a"\r\n\r\nx\r\n--x--\r\n'],
			['multipart/form-data', '--x\r\n'],
			['multipart/form-data; boundary=', 'junk'],
			['application/x-www-form-urlencoded', '%'],
			['application/x-www-form-urlencoded', '%00=%00&email=%00&name=%00&password=%00&token=%00'],
			['application/x-www-form-urlencoded', 'email=a&email=b&name=a&name=b&token=a&token=b&password=%ff'],
			['application/x-www-form-urlencoded', Buffer.from([0xff, 0xfe, 0x00, 0x3d])],
			['application/json', '{'],
			['text/plain', 'x'],
			['application/x-sveltekit-formdata', 'junk'],
			['junk', 'junk'],
			['', '']
		];
		const forms = files
			.filter((file) => file.endsWith('+page.server.ts'))
			.map((file) => ({ path: pathOf(file), source: readFileSync(join(routes, file), 'utf8') }))
			.filter(({ source }) => source.includes('actions: Actions'));
		expect(forms.map(({ path }) => path)).toEqual(
			expect.arrayContaining(['/login', '/register', '/unsubscribe/[token]', '/setup'])
		);
		const targets = forms.flatMap(({ path, source }) => {
			const page = path.replace('[token]', 'x');
			const named = [...source.matchAll(/^\t(\w+): async/gm)]
				.map(([, name]) => name)
				.filter((name) => name !== 'default');
			return [page, ...named.map((name) => `${page}?/${name}`), `${page}?/no-such-action`, `${page}?/%00`];
		});
		const gateway = { authorization: `Bearer ${gatewayToken}` };
		for (const [type, body] of bodies) {
			for (const path of [
				...targets,
				'/api/introspect',
				'/trpc/sessions.create',
				'/trpc/sessions.create?batch=1',
				'/unsubscribe/x'
			]) {
				for (const origin of path === '/unsubscribe/x'
					? ['', portal.server.origin]
					: [portal.server.origin]) {
					// Whoever signs out here is signed in for the next.
					const headers = {
						'content-type': type,
						origin,
						cookie: '',
						...(path.startsWith('/api') && gateway)
					};
					const status = await raw(path, { method: 'POST', headers, body });
					if (status >= 500 || status === 0)
						failures.push(`${path} as ${type} ${JSON.stringify(String(body))}: ${status}`);
				}
			}
		}
		expect(failures).toEqual([]);
	});
});

test('the server tells of no failure in all this', () => {
	const told = portal.server.logs
		.split('\n')
		.filter((line) => /a call failed|a request failed|"level":50/.test(line));
	expect(told).toEqual([]);
});
