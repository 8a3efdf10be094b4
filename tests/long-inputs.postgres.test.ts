import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPortal, type Company, type Person, type Portal } from './factories.ts';
import { callLimit, smallBody } from '../src/http/bodies.ts';
import { alphabets, inputWith, send, textLeaves } from './inputs.ts';

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

describe('a long text', () => {
	/** How long somebody else waits for an answer while this is worked on, in milliseconds. */
	async function waitBehind(sending: () => Promise<unknown>): Promise<number> {
		const under = sending();
		const began = performance.now();
		await (await fetch(`${portal.server.origin}/healthz`)).text();
		const waited = performance.now() - began;
		await under;
		return waited;
	}

	/** On a busy machine anybody waits now and then; what is slow in itself is slow each time. */
	async function leastWaitBehind(sending: () => Promise<unknown>): Promise<number> {
		let least = await waitBehind(sending);
		for (let turn = 0; least > 250 && turn < 6; turn++) least = Math.min(least, await waitBehind(sending));
		return least;
	}

	test(
		'in whichever place of whichever procedure keeps nobody waiting, and is refused',
		{ timeout: 600_000 },
		async () => {
			const slow: string[] = [];
			const broken: string[] = [];
			for (const { path, type, leaves, leaf, name } of textLeaves) {
				// What stands in the address can't be longer than Node lets it be; a small body ends before any schema.
				const isLarge = callLimit(`/trpc/${path}`) > smallBody;
				const texts = Object.entries({
					...alphabets(type === 'query' ? 4_000 : isLarge ? 150_000 : 15_000),
					...(type === 'mutation' && { 'very long': 'x'.repeat(150_000) })
				});
				const sendOne = (text: string) =>
					send(portal.admin, path, type, inputWith(leaves, leaf, text, known));
				const sendAll = async () => {
					const statuses = await Promise.all(texts.map(([, text]) => sendOne(text)));
					if (statuses.some((status) => status < 400 || status >= 500))
						broken.push(`${name}: ${statuses.join(' ')}`);
				};
				if ((await waitBehind(sendAll)) <= 250) continue;
				for (const [alphabet, text] of texts) {
					const least = await leastWaitBehind(() => sendOne(text));
					if (least > 250) slow.push(`${name}, ${alphabet}: ${Math.round(least)} ms`);
				}
			}
			expect(slow).toEqual([]);
			// A text of an e-mail is checked where it stands: what is wrong with it is the answer.
			expect(broken.filter((line) => !/^emails\.preview (subject|body)/.test(line))).toEqual([]);
		}
	);

	test('can’t hide in a batch, nor in a body that doesn’t tell its length', async () => {
		const long = JSON.stringify({ 0: { name: 'x'.repeat(20_000) } });
		const headers = { 'content-type': 'application/json' };
		const batch = (paths: string) =>
			person.request(`/trpc/${paths}?batch=1`, { method: 'POST', body: long, headers });
		expect((await batch('organizations.request')).status).toBe(413);
		expect((await batch('organizations.request,sessions.delete,accounts.register')).status).toBe(413);

		const chunked = (path: string, type: string) =>
			new Promise<number | undefined>((resolve, reject) => {
				const asking = request(`${portal.server.origin}${path}`, {
					method: 'POST',
					headers: { origin: portal.server.origin, 'content-type': type, 'transfer-encoding': 'chunked' }
				});
				asking.on('error', reject).on('response', (answer) => {
					resolve(answer.statusCode);
					asking.destroy();
				});
				for (let part = 0; part < 8; part++) asking.write(`email=${'x'.repeat(4_000)}&`);
				asking.end();
			});
		expect(await chunked('/trpc/accounts.requestReset', 'application/json')).toBe(413);
		expect(await chunked('/login', 'application/x-www-form-urlencoded')).toBe(413);
		expect(await chunked('/unsubscribe/x', 'application/x-www-form-urlencoded')).toBe(413);
	});

	test('leaves room for a whole list of invitees with the longest names', async () => {
		const rows = Array.from({ length: 100 }, (_, index) => ({
			firstName: '漢'.repeat(60),
			lastName: '字'.repeat(60),
			email: `${index}@${'x'.repeat(60)}.${'x'.repeat(60)}.${'x'.repeat(60)}.test`,
			role: 'team_member'
		}));
		const status = await send(person, 'invitations.createMany', 'mutation', {
			organizationId: company.id,
			rows
		});
		expect(status).toBe(200);
	});
});

test('what can’t be read is answered without a word of what it broke', async () => {
	const headers = { 'content-type': 'application/json' };
	const broken = { method: 'POST', headers, body: '{"email": ' };
	const response = await portal.visitor().request('/trpc/sessions.create', broken);
	const text = await response.text();
	expect(response.status).toBe(400);
	expect(text).not.toMatch(/at .*\.ts|node_modules|JSON at position/);
});
