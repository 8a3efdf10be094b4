import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayLines } from '#lib/gateway-lines.ts';
import { sampleApi, sampleListen, samplePlaceholder } from '#lib/gateway-text.ts';
import { getPortal, type Portal } from './factories.ts';
import { createGateway, createKeyOf } from './gateways.ts';
import { findFreePort, type Server } from './harness.ts';
import { insertProduct } from './offers.ts';
import { findProgram, startNginx } from './programs.ts';
import { startSecond } from './race.ts';

/** The programs themselves, with the lines that a gateway's page shows, in front of a small API. Two processes of Portico. */

const programs = {
	nginx: findProgram('nginx'),
	caddy: findProgram('caddy'),
	haproxy: findProgram('haproxy')
};

/** Says yes to everything, as a web server does that knows nothing of the portal. */
let impostorAsked = 0;
const stranger = createServer((_, response) => {
	impostorAsked += 1;
	response.end('Welcome!');
});
const impostor = () => `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;

let portal: Portal;
let second: Server;
let folder: string;
const running: ChildProcess[] = [];
/** Tells what of the portal's own headers has reached it. */
const api = createServer(({ headers, url }, response) => {
	// What there is nothing to say of, such as a product, some programs pass on as nothing.
	const named = Object.entries(headers).filter(([name, value]) => value !== '' && /^x[-_]portico/.test(name));
	response.setHeader('content-type', 'application/json');
	response.end(JSON.stringify({ url, ...Object.fromEntries(named) }));
});
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'portico-gateway-'));
	// Its workers may be somebody else.
	await chmod(folder, 0o755);
	for (const one of [api, stranger])
		await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
	portal = await getPortal();
	second = await startSecond(portal);
});
afterAll(async () => {
	const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
	for (const child of running) child.kill('SIGTERM');
	await Promise.all(ended);
	for (const one of [api, stranger]) one.close();
	await second.dispose();
	await portal.stop();
	await rm(folder, { recursive: true, force: true });
});

const unescape = (html: string) =>
	html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** The lines as the page of a process shows them to a portal admin, with one's own addresses and token put in. */
async function readLines(origin: string, gatewayId: string, token: string, port: number): Promise<string> {
	const page = await portal.admin.request(`${origin}/admin/gateways/${gatewayId}`);
	const html = await page.text();
	const [, code = ''] = /<pre[^>]*data-lines[^>]*><code>([\s\S]*?)<\/code>/.exec(html) ?? [];
	expect(html).not.toContain(token);
	const lines = unescape(code.replace(/<!--.*?-->/g, ''));
	expect(lines).toContain(new URL(origin).port);
	for (const sample of [sampleListen, sampleApi, samplePlaceholder]) expect(lines).toContain(sample);
	return lines
		.replaceAll(samplePlaceholder, token)
		.replaceAll(sampleApi, `127.0.0.1:${(api.address() as AddressInfo).port}`)
		.replace(new RegExp(`(listen |:)${sampleListen}`), `$1${port}`);
}

const starts = {
	nginx: (program: string, lines: string) => startNginx(program, folder, lines),
	async caddy(program: string, lines: string) {
		const config = join(folder, 'Caddyfile');
		await writeFile(config, `{\n\tadmin off\n\tauto_https off\n}\n${lines}\n`);
		return spawn(program, ['run', '--config', config, '--adapter', 'caddyfile'], {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
		});
	},
	async haproxy(program: string, lines: string) {
		// Name and text by turns: the one configuration, and a script of each gateway.
		const [, ...files] = lines.split(/^(?:--|#) The file \/etc\/haproxy\/(.*)\.$/m);
		let config = '';
		for (let at = 0; at < files.length; at += 2) {
			const [name = '', text = ''] = files.slice(at);
			if (name === 'haproxy.cfg') config += text;
			else await writeFile(join(folder, name), text);
		}
		await writeFile(join(folder, 'haproxy.cfg'), config.replaceAll('/etc/haproxy', folder).concat('\n'));
		return spawn(program, ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: ['ignore', 'pipe', 'pipe'] });
	}
};

// Asked by each program: one does not wait for the other's process.
const cases = [
	{ kind: 'nginx', origin: () => portal.server.origin, isHere: true },
	{ kind: 'caddy', origin: () => second.origin, isHere: false },
	{ kind: 'haproxy', origin: () => portal.server.origin, isHere: true }
] as const;

test.for(cases)(
	'$kind runs with the lines of its page, where it is installed',
	async ({ kind, origin, isHere }, { skip }) => {
		const program = programs[kind];
		if (!program) return skip(`${kind} is not installed here`);
		const places = { headerName: 'X-Acme-Key', queryName: 'api_key' };
		const { gateway, token } = await createGateway(portal, { kind, ...places });
		const port = await findFreePort();
		const child = await starts[kind](program, await readLines(origin(), gateway.id, token, port));
		running.push(child);
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));

		async function call(headers: Record<string, string>, path = '/v1/things?a=b') {
			const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
			const text = await response.text();
			return { status: response.status, headers: response.headers, text };
		}
		await expect
			.poll(
				async () => {
					if (child.exitCode !== null) throw new Error(`${kind} ended:\n${output}`);
					return call({}).then(
						({ status }) => status,
						() => 0
					);
				},
				{ interval: 50 }
			)
			.toBe(401);

		const company = await portal.company({ admin: portal.admin, name: `Größe ${kind}` });
		const { application, place, secret } = await createKeyOf(company);
		const bearer = { authorization: `Bearer ${secret}` };
		const identity = {
			'x-portico-organization-id': company.id,
			'x-portico-organization': encodeURIComponent(company.name),
			'x-portico-application-id': application.id,
			'x-portico-application': encodeURIComponent(application.name),
			'x-portico-credential-id': place.credentialId
		};
		for (const headers of [bearer, { 'x-api-key': secret }]) {
			const { status, text } = await call(headers);
			expect([status, JSON.parse(text)]).toEqual([200, { url: '/v1/things?a=b', ...identity }]);
		}
		const own = await call({ 'X-Acme-Key': secret });
		expect([own.status, JSON.parse(own.text)]).toMatchObject([200, identity]);
		expect((await call({}, `/v1/things?api_key=${secret}`)).status).toBe(200);
		// A client's own parameters are between it and the API.
		for (const path of ['/v1/things?product=5', '/v1/things?product=parcels&product=x'])
			expect((await call(bearer, path)).status).toBe(200);
		// As by a client who wants a WebSocket, and by one who would have the next program drop what the API relies on.
		for (const headers of [
			{
				...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
				'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
			},
			{ connection: 'close, X-Portico-Application-Id, X-Portico-Organization' }
		]) {
			const asked = request({ port, host: '127.0.0.1', path: '/', headers: { ...bearer, ...headers } }).end();
			const [answer] = (await once(asked, 'response')) as [IncomingMessage];
			const said = Buffer.concat(await answer.toArray()).toString();
			expect([answer.statusCode, JSON.parse(said)]).toMatchObject([200, identity]);
		}
		// What a client sends under the portal's names reaches nobody, in whatever spelling.
		const forged = {
			...bearer,
			'X-Portico-Organization-Id': 'forged',
			'x-portico-organization': 'forged',
			X_Portico_Credential_Id: 'forged',
			'X-Portico_Plan': 'forged',
			'X_Portico-Application': 'forged',
			'X-Portico_Organization-Id': 'forged',
			'X-Portico-Gateway-Token': 'forged',
			'X-Portico-Status': 'forged',
			'X-Forwarded-Uri': '/forged'
		};
		const { status, text } = await call(forged);
		expect([status, JSON.parse(text)]).toEqual([200, { url: '/v1/things?a=b', ...identity }]);

		// One that the portal doesn't use: nginx can take away none that it isn't told of.
		const stray = await call({ ...bearer, 'X-Portico-User-Id': 'forged' });
		if (kind === 'nginx')
			expect([stray.status, stray.text]).toEqual([400, expect.stringContaining('x-portico-user-id')]);
		else
			expect([stray.status, JSON.parse(stray.text)]).toEqual([200, { url: '/v1/things?a=b', ...identity }]);

		// Without a key, with one that is none, with two: nothing reaches the API.
		const none = await call({ 'X-Portico-Organization-Id': company.id });
		expect([none.status, none.headers.get('www-authenticate')]).toEqual([
			401,
			expect.stringMatching(/^Bearer realm=/)
		]);
		expect((await call({ authorization: 'Bearer ptk_nothing' })).status).toBe(401);
		const two = await call({ ...bearer, 'x-api-key': secret });
		expect([two.status, JSON.parse(two.text)]).toMatchObject([
			400,
			{ status: 400, detail: expect.stringMatching(/^Send one key/) as string }
		]);

		// Rotated with an overlap: both work.
		const { credentials } = company.owner.api;
		const next = await credentials.rotate.mutate({ ...place, overlapSeconds: 3600 });
		const { secret: fresh } = await credentials.reveal.mutate({ ...place, credentialId: next.id });
		expect([(await call(bearer)).status, (await call({ 'x-api-key': fresh })).status]).toEqual([200, 200]);
		await credentials.revoke.mutate({ ...place, credentialId: next.id });
		const refused = async () => (await call({ 'x-api-key': fresh })).status;
		// From the next request on where it was done, a moment later on the other process.
		if (isHere) expect(await refused()).toBe(401);
		else await expect.poll(refused, { interval: 5 }).toBe(401);
		expect((await call(bearer)).status).toBe(200);

		// A limit that is reached comes as what it is, and says when to come again.
		const organizationId = company.id;
		await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId, credentialPerMonth: 1 });
		await expect.poll(async () => (await call(bearer)).status, { interval: 5 }).toBe(429);
		const limited = await call(bearer);
		expect([limited.status, limited.headers.get('retry-after')]).toEqual([
			429,
			expect.stringMatching(/^\d+$/)
		]);
		expect(JSON.parse(limited.text)).toMatchObject({ status: 429, title: 'Too Many Requests' });
		expect(limited.headers.get('content-type')).toMatch(/^application\/problem\+json/);
		for (const name of ['ratelimit', 'ratelimit-policy']) expect(limited.headers.get(name)).toMatch(/month/);
		await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId });
		await expect.poll(async () => (await call(bearer)).status, { interval: 5 }).toBe(200);

		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		await expect.poll(async () => (await call(bearer)).status, { interval: 5 }).toBe(403);
		// A gateway that is revoked lets nobody in.
		await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
		await expect.poll(async () => (await call(bearer)).status, { interval: 5 }).toBe(200);
		// Whatever answers in the portal's place, as a proxy that doesn't know its name, lets nobody in.
		const elsewhere = await findFreePort();
		const misled = await readLines(origin(), gateway.id, token, elsewhere);
		running.push(
			await starts[kind](
				program,
				misled.replaceAll(/http:\/\/(localhost|127\.0\.0\.1):\d+(?=\/api| \{)/g, impostor())
			)
		);
		const asked = () =>
			fetch(`http://127.0.0.1:${elsewhere}/v1/things`, { headers: bearer }).then(
				({ status }) => status,
				() => 0
			);
		await expect.poll(asked, { interval: 50 }).toBe(kind === 'nginx' ? 500 : 503);
		expect(impostorAsked).toBeGreaterThan(0);
		await portal.admin.api.gateways.revoke.mutate({ gatewayId: gateway.id });
		await expect.poll(async () => (await call(bearer)).status, { interval: 5 }).toBe(401);
		for (const key of [secret, fresh]) expect(output + portal.server.logs + second.logs).not.toContain(key);
	}
);

test.for(['nginx', 'caddy', 'haproxy'] as const)(
	'%s runs with the lines of several gateways and API products in one configuration, each for its own API',
	async (kind, { skip }) => {
		const program = programs[kind];
		if (!program) return skip(`${kind} is not installed here`);
		const plans = [{ name: 'Trial', approval: 'automatic' as const }];
		const [open, closed] = [await insertProduct(portal, { plans }), await insertProduct(portal, { plans })];
		const [naming, other] = [await createGateway(portal, { kind }), await createGateway(portal, { kind })];
		for (const { id: productId } of [open, closed])
			await portal.admin.api.products.serve.mutate({
				gatewayId: naming.gateway.id,
				productId,
				isServing: true
			});
		const [mine, theirs] = [api, stranger].map((one) => `127.0.0.1:${(one.address() as AddressInfo).port}`);
		const { origin } = portal.server;
		const doors = [
			{ ...naming, product: open.slug, behind: mine, port: await findFreePort() },
			{ ...naming, product: closed.slug, behind: mine, port: await findFreePort() },
			{ ...other, behind: theirs, port: await findFreePort() },
			// Its lines are from before it stood in front of more than one.
			{ ...naming, behind: mine, port: await findFreePort() }
		];
		const lines = doors.map(({ gateway, behind = '', port, ...given }) =>
			gatewayLines(gateway, { origin, ...given })
				.replaceAll(sampleApi, behind)
				.replace(new RegExp(`(listen |:)${sampleListen}`), `$1${port}`)
		);
		const child = await starts[kind](program, lines.join('\n'));
		running.push(child);

		const company = await portal.company({ admin: portal.admin });
		const { application, secret } = await createKeyOf(company);
		await company.owner.api.accesses.request.mutate({
			organizationId: company.id,
			applicationId: application.id,
			product: open.slug,
			planId: open.plans.Trial ?? ''
		});
		const call = (port: number, query = '') =>
			fetch(`http://127.0.0.1:${port}/v1/things${query}`, { headers: { 'x-api-key': secret } }).then(
				async (response) => ({ status: response.status, text: await response.text() }),
				() => ({ status: 0, text: '' })
			);
		const [first, second, third, nameless] = doors.map(({ port }) => port) as [
			number,
			number,
			number,
			number
		];
		const answers = async () => {
			expect(child.exitCode).toBeNull();
			return (await call(third)).status;
		};
		await expect.poll(answers, { interval: 50 }).toBe(200);
		expect((await call(third)).text).toBe('Welcome!');
		expect(JSON.parse((await call(first)).text)).toMatchObject({ 'x-portico-product': open.slug });
		expect((await call(second)).status).toBe(403);
		// Which product it is, is the provider's to say.
		for (const query of ['', `?product=${open.slug}`, '?product='])
			expect((await call(nameless, query)).status).toBe(400);
		expect((await call(second, `?product=${open.slug}`)).status).toBe(403);
	}
);
