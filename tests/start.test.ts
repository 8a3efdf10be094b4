import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { describe, expect, inject, test, vi } from 'vitest';
import { adminPassword, password } from './factories.ts';
import { startServer, type Server } from './harness.ts';

const database = inject('database');
const start = (env: Record<string, string> = {}) => startServer({ database, env, isPrepared: true });
const admin = { PORTAL_ADMIN_EMAIL: 'admin@example.test', PORTAL_ADMIN_PASSWORD: adminPassword };

/** What a start that has to fail says. */
async function refusedStart(env: Record<string, string>): Promise<string> {
	const starting = start(env).then(
		async (server) => {
			await server.dispose();
			return 'It started.';
		},
		(error: Error) => error.message
	);
	const said = await starting;
	expect(said).toContain('The server ended (code 1)');
	expect(said).toContain('Portico could not start.');
	return said;
}

async function post(server: Server, path: string, input: object, headers: Record<string, string> = {}) {
	return fetch(`${server.origin}/trpc/${path}`, {
		method: 'POST',
		body: JSON.stringify(input),
		headers: { origin: server.origin, 'content-type': 'application/json', ...headers }
	});
}

const holderFile = (server: Server) => join(server.dataFolder, 'portico.pid');
const readHolder = async (server: Server) =>
	JSON.parse(await readFile(holderFile(server), 'utf8')) as Record<string, unknown>;
const writeHolder = (server: Server, holder: Record<string, unknown>) =>
	writeFile(holderFile(server), JSON.stringify(holder));

// What no database has a part in is tried on one of them.
if (database === 'postgres')
	describe('a start is refused', () => {
		test('with wrong variables: each is named with the reason, none with its value', async () => {
			const said = await refusedStart({
				DATABASE_URL: 'mysql://someone:hunter22@db.example/portico',
				SMTP_URL: 'smtp.example.com',
				ORIGIN: 'https://portal.example.com/path/',
				ENCRYPTION_KEY: 'c2hvcnQ=',
				PORTAL_ADMIN_EMAIL: 'admin@example.test',
				TRUSTED_PROXIES: '-1'
			});
			expect(said).toContain('DATABASE_URL: must begin with postgres://');
			expect(said).toContain('SMTP_URL: must begin with smtp:// or smtps://');
			expect(said).toContain('ORIGIN: must be an origin');
			expect(said).toContain('ENCRYPTION_KEY: must be 32 bytes in base64');
			expect(said).toContain('TRUSTED_PROXIES: ');
			expect(said).not.toMatch(/hunter22|c2hvcnQ|smtp\.example\.com/);
			const alone = await refusedStart({ PORTAL_ADMIN_EMAIL: 'admin@example.test' });
			expect(alone).toContain('PORTAL_ADMIN_EMAIL and PORTAL_ADMIN_PASSWORD: must be given together');
		});

		test('with other keys than the generated ones, which are the process’s own and stay the same', async () => {
			await using server = await start(admin);
			expect(server.logs).toMatch(
				new RegExp(`On Node ${process.versions.node}(, which came with the packages)?\\.`)
			);
			const file = join(server.dataFolder, 'secrets.json');
			const secrets = await readFile(file, 'utf8');
			const { encryptionKey, lookupKey } = JSON.parse(secrets) as Record<string, string>;
			expect((await stat(file)).mode & 0o777).toBe(0o600);
			expect([encryptionKey, lookupKey].map((key) => Buffer.from(key ?? '', 'base64').length)).toEqual([
				32, 32
			]);
			for (const name of ['ENCRYPTION_KEY', 'LOOKUP_KEY']) {
				const said = await refusedStart({
					DATA_FOLDER: server.dataFolder,
					[name]: randomBytes(32).toString('base64'),
					...(server.databaseUrl && { DATABASE_URL: server.databaseUrl })
				});
				expect(said, name).toContain('The encryption keys are not those');
			}
			// With its own keys it starts as before: nothing was overwritten.
			await server.restart();
			expect(await readFile(file, 'utf8')).toBe(secrets);
			expect(server.logs).not.toContain(encryptionKey);
		});

		test('on a port that another program has', async () => {
			const other = createServer().listen(0);
			await once(other, 'listening');
			const { port } = other.address() as AddressInfo;
			expect(await refusedStart({ PORT: String(port) })).toContain('The port is in use');
			other.close();
		});
	});

if (database === 'pglite') {
	test('a folder that another process has is refused; after a power cut nobody has it', async () => {
		await using server = await start(admin);
		const said = await refusedStart({ DATA_FOLDER: server.dataFolder });
		expect(said).toContain('Another Portico is already running on');
		expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
		await server.kill();
		await server.restart();
		expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
		// At once, without a look at the clock: on the same machine a process id tells.
		expect(server.logs).not.toContain('is in use, or was until a moment ago');
	});

	test('a process that has lost its folder ends at once and says why', async () => {
		await using server = await start(admin);
		// As another one does that takes the lock for stale: after a sleep of the machine, for instance.
		await rm(join(server.dataFolder, 'portico.lock'), { recursive: true });
		await server.waitForLog(/Portico ends at once: it has lost the lock of/);
		expect(await vi.waitUntil(() => !server.isRunning, { timeout: 240_000 })).toBe(true);
		await server.restart();
		expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
	});

	test('a process that was paused while another one took its folder writes nothing more', async () => {
		await using paused = await start(admin);
		process.kill(paused.pid, 'SIGSTOP');
		// As in another container: of that one the lock's age alone tells.
		await writeHolder(paused, { ...(await readHolder(paused)), pid: process.pid, namespace: 'another' });
		await using next = await start({ DATA_FOLDER: paused.dataFolder });
		// It comes to before anything has told it: what waits for it is the first thing that it does.
		const late = post(paused, 'sessions.create', {
			email: 'admin@example.test',
			password: adminPassword
		}).then(
			({ status }) => status,
			() => null
		);
		process.kill(paused.pid, 'SIGCONT');
		expect(await late).not.toBe(200);
		await paused.waitForLog(/Portico ends at once: it has lost the lock of/);
		expect(await vi.waitUntil(() => !paused.isRunning, { timeout: 240_000 })).toBe(true);
		expect((await fetch(`${next.origin}/readyz`)).status).toBe(200);
		await next.restart();
		const signIn = post(next, 'sessions.create', { email: 'admin@example.test', password: adminPassword });
		expect((await signIn).status).toBe(200);
	});
}

if (database === 'postgres')
	describe('the first portal admin', () => {
		const person = { firstName: 'Ada', lastName: 'Byron', email: 'ada@example.test', password };

		test('comes by the setup link that a fresh start prints, which works once', async () => {
			await using server = await startServer({ database, isFromSource: true });
			const link = server.setupUrl ?? '';
			expect(link).toMatch(new RegExp(`^${server.origin}/setup/[\\w-]{43}$`));
			// Another start, another link: what the older one printed is dead.
			await server.restart();
			const newer = server.setupUrl ?? '';
			expect(newer).not.toBe(link);
			const tokenOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);
			expect((await post(server, 'setup.complete', { ...person, token: tokenOf(link) })).status).toBe(404);
			const answers = await Promise.all(
				['ada', 'eve', 'mal'].map((name) =>
					post(server, 'setup.complete', { ...person, email: `${name}@example.test`, token: tokenOf(newer) })
				)
			);
			expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
			const [cookie = ''] = answers.find(({ ok }) => ok)?.headers.getSetCookie() ?? [];
			const list = await fetch(`${server.origin}/trpc/organizations.list?input=%7B%7D`, {
				headers: { cookie: cookie.split(';')[0] ?? '' }
			});
			expect(list.status).toBe(200);
			await server.restart();
			expect(server.setupUrl).toBeNull();
		});

		test('comes from the environment, without a link; a later start with another one changes nothing', async () => {
			await using server = await start(admin);
			expect(server.setupUrl).toBeNull();
			const signIn = () =>
				post(server, 'sessions.create', { email: 'admin@example.test', password: adminPassword });
			expect(await (await signIn()).json()).toMatchObject({ result: { data: { redirectTo: '/admin' } } });
			await server.restart();
			expect((await signIn()).status).toBe(200);
			expect(server.setupUrl).toBeNull();
		});
	});

test('SIGTERM finishes what is under way, closes the sockets and ends with 0', async () => {
	await using server = await start(admin);
	const socket = io(server.origin, {
		transports: ['websocket'],
		forceNew: true,
		reconnection: false,
		extraHeaders: { origin: server.origin }
	});
	await new Promise((resolve) => socket.on('settings', resolve));
	const closed = new Promise((resolve) => socket.on('disconnect', resolve));
	// A call whose second half arrives after the signal.
	const body = JSON.stringify({ email: 'admin@example.test', password: adminPassword });
	const asking = request(`${server.origin}/trpc/sessions.create`, {
		method: 'POST',
		headers: {
			origin: server.origin,
			'content-type': 'application/json',
			'content-length': Buffer.byteLength(body)
		}
	});
	const answered = new Promise<number | undefined>((resolve, reject) => {
		asking.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
	});
	asking.write(body.slice(0, 20));
	// The server has the first half when it has answered what was asked after it.
	await fetch(`${server.origin}/healthz`);
	const ended = server.stop();
	await server.waitForLog(/"msg":"ending"/);
	asking.end(body.slice(20));
	expect(await answered).toBe(200);
	await closed;
	expect(await ended).toBe(0);
});
