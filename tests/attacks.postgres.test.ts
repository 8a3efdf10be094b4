import { connect, type Socket as NetSocket } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, refusal, unique, type Company, type Portal } from './factories.ts';
import type { Server } from './harness.ts';
import { listenOn, on, startSecond } from './race.ts';

/** What is tried at one of two processes: it refuses as the other one does, and pages of both go on. */

let portal: Portal;
let second: Server;
let company: Company;
beforeAll(async () => {
	portal = await getPortal();
	second = await startSecond(portal);
	company = await portal.company({ admin: portal.admin });
});
afterAll(async () => {
	await second.dispose();
	await portal.stop();
});

async function openBoth() {
	const pages = [
		listenOn(portal, portal.server, company.owner),
		listenOn(portal, second, company.owner)
	] as const;
	await Promise.all(pages.map((page) => page.hears('news true')));
	return pages;
}

/** Whether what happens on either process is still heard on both. */
async function expectBothToHear(pages: Awaited<ReturnType<typeof openBoth>>) {
	for (const server of [portal.server, second]) {
		const name = unique('Heard');
		const { applications } = on(server, company.owner);
		await applications.create.mutate({ organizationId: company.id, name, description: '' });
		for (const page of pages)
			await page.until(() => JSON.stringify(page.events).includes(name), `the news of ${name}`);
	}
	for (const page of pages) expect(page.words).not.toContain('disconnect');
}

function knock(path: string, headers: Record<string, string>): Promise<string> {
	const socket = io(`${second.origin}${path}`, {
		transports: ['websocket'],
		forceNew: true,
		reconnection: false,
		extraHeaders: headers
	});
	portal.sockets.push(socket);
	return new Promise((resolve) => {
		socket.on('connect', () => resolve('connected'));
		socket.on('connect_error', ({ message }) => resolve(message));
	});
}

test('origins of others, foreign rooms, rubbish and a flood at the one process: nothing is heard, and both go on', async () => {
	const pages = await openBoth();
	const spy = await portal.person();
	const cookie = spy.cookie();
	const { origin } = second;
	const foreign = [
		portal.server.origin,
		'https://evil.example',
		'null',
		`${origin}.evil.example`,
		`${origin}/`
	];
	for (const one of foreign) expect(await knock('', { origin: one, cookie }), one).not.toBe('connected');
	expect(await knock('', { cookie })).not.toBe('connected');
	for (const name of ['admins', `organization:${company.id}`])
		expect(await knock(`/${name}`, { origin, cookie })).toBe('Invalid namespace');
	const deep = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown;
	const words: [string, ...unknown[]][] = [
		['join', `organization:${company.id}`],
		['join', null],
		['join', deep],
		['join', 'x'.repeat(40_000)],
		['join', () => undefined]
	];
	const listened = [];
	for (const word of [...words, null]) {
		const page = listenOn(portal, second, spy);
		listened.push(page);
		await page.hears('connect');
		page.socket.io.reconnection(false);
		const times = word ? 1 : 1000;
		for (let n = 0; n < times; n += 1) (page.socket as Socket).emit(...(word ?? ['flood', n]));
		await page.hears('disconnect');
	}
	await expectBothToHear(pages);
	for (const page of listened) expect(page.events).toEqual([]);
});

test('bodies of 10 MB, batches of 1,000 calls and 1,000 connections that say nothing at the one: both go on', async () => {
	const pages = await openBoth();
	const idle: NetSocket[] = [];
	for (let n = 0; n < 1000; n += 1) idle.push(connect(second.port, '127.0.0.1').on('error', () => undefined));
	await Promise.all(
		idle.map((socket) => socket.connecting && new Promise((resolve) => socket.once('connect', resolve)))
	);
	try {
		const headers = {
			origin: second.origin,
			'content-type': 'application/json',
			cookie: company.owner.cookie()
		};
		const much = JSON.stringify({ name: 'x'.repeat(10_000_000) });
		const refused = await fetch(`${second.origin}/trpc/organizations.request`, {
			method: 'POST',
			headers,
			body: much
		}).then(
			({ status }) => status,
			// It is hung up on before it has been read.
			() => 413
		);
		expect(refused).toBe(413);
		const names = Array.from({ length: 1000 }, () => 'sessions.get').join(',');
		const batch = await fetch(`${second.origin}/trpc/${names}?batch=1&input=%7B%7D`, { headers });
		expect([400, 414, 431]).toContain(batch.status);
		for (const { origin } of [portal.server, second])
			expect((await fetch(`${origin}/readyz`)).status).toBe(200);
		await expectBothToHear(pages);
	} finally {
		for (const socket of idle) socket.destroy();
	}
});

test('calls of one organization that wait in one process hold up nobody there or at the other', async () => {
	const strangers = [await portal.person(), await portal.person()];
	let answered = 0;
	const calls = await portal.inDatabase((db) =>
		db.transaction().execute(async (trx) => {
			await trx.selectFrom('organization').select('id').where('id', '=', company.id).forUpdate().execute();
			const waiting = Array.from({ length: 60 }, () =>
				on(portal.server, company.owner)
					.applications.create.mutate({
						organizationId: company.id,
						name: unique('Waits'),
						description: ''
					})
					.then(
						() => (answered += 1),
						(error: unknown) => error
					)
			);
			for (const [n, stranger] of strangers.entries()) {
				const server = n === 0 ? portal.server : second;
				await on(server, stranger).organizations.request.mutate({ name: unique('Elsewhere') });
				expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
				const guess = on(server, stranger).organizations.open.query({ slug: company.slug });
				expect(await refusal(guess)).toMatchObject({ status: 404 });
			}
			expect(answered).toBe(0);
			return { waiting };
		})
	);
	await Promise.all(calls.waiting);
	expect(answered).toBeGreaterThan(0);
});
