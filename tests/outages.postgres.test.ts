import { setImmediate } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusals } from '#lib/wire.ts';
import { createPool } from '../src/database/pool.ts';
import { startCut } from './cut.ts';
import { isSignedIn, startPortal, type Portal, type Visitor } from './factories.ts';
import { createDatabase, startServer, type Server } from './harness.ts';
import { listenOn } from './race.ts';

/** The database is away for a while, or only the connection that hears its news. */

let database: Awaited<ReturnType<typeof createDatabase>>;
let way: Awaited<ReturnType<typeof startCut>>;
let portal: Portal;
beforeAll(async () => {
	database = await createDatabase();
	way = await startCut(database.url);
	portal = await startPortal({ DATABASE_URL: way.url });
});
afterAll(async () => {
	await portal.stop();
	await way.stop();
	await database.drop();
});

/** How somebody who connects now is answered. */
function knock(person: Visitor, origin = portal.server.origin): Promise<{ message: string; data?: unknown }> {
	const socket = io(origin, {
		transports: ['websocket'],
		forceNew: true,
		reconnection: false,
		extraHeaders: { origin, cookie: person.cookie() }
	});
	portal.sockets.push(socket);
	return new Promise((resolve) => {
		socket.on('connect', () => resolve({ message: 'connected' }));
		socket.on('connect_error', (error) => resolve({ ...error, message: error.message }));
	});
}

test('while the database is away pages learn that they are not live, and are current soon after it is back', async () => {
	const company = await portal.company({ admin: portal.admin });
	const page = await company.owner.listen();
	const isLast = (word: string) => page.words.findLast((one) => one.startsWith('news')) === word;
	// In their company and in their personal space: nothing is under way any more.
	await page.until(() => page.words.filter((one) => one === 'online').length === 2, 'both rooms');

	for (const _round of [1, 2]) {
		// A busy machine may have been late with its own news, and say so, before anything is cut.
		await page.until(() => isLast('news true'), 'that it is live');
		await way.cut();
		await page.until(() => isLast('news false'), 'that it is not live');
		await way.mend();
		await page.until(() => isLast('news true'), 'that it is live again');
		await page.until(
			() => page.words.lastIndexOf('resync') > page.words.lastIndexOf('news false'),
			'the word that something may be missing'
		);
		const { name } = await portal.application(company);
		await page.until(
			() => JSON.stringify(page.latest('application.created')?.payload ?? '').includes(name),
			`the news of ${name}`
		);
	}
	expect(page.words).not.toContain('disconnect');
	expect(page.words).not.toContain('ended');
	expect(await isSignedIn(company.owner)).toBe(true);
});

test('who connects meanwhile is told in fixed words that it is not now; the log says why, once', async () => {
	const person = await portal.person();
	const noted = () => portal.server.logs.split('pages can’t connect').length - 1;
	const before = noted();
	await way.cut();
	const answers = await Promise.all(Array.from({ length: 20 }, () => knock(person)));
	for (const answer of answers) {
		expect(answer).toEqual({ message: refusals.UNAVAILABLE, data: { reason: 'UNAVAILABLE' } });
	}
	await expect.poll(noted).toBe(before + 1);
	expect(portal.server.logs).toMatch(/ECONNREFUSED.*pages can’t connect/);
	await way.mend();
	await expect.poll(async () => (await knock(person)).message).toBe('connected');
	expect(await isSignedIn(person)).toBe(true);
	// The next outage is told of again.
	await way.cut();
	expect(await knock(person)).toMatchObject({ data: { reason: 'UNAVAILABLE' } });
	await expect.poll(noted).toBe(before + 2);
	await way.mend();
	await expect.poll(async () => (await knock(person)).message).toBe('connected');
});

test('where only the news stay away, pages learn that as well; those of another process stay live', async ({
	onTestFinished
}) => {
	const { dataFolder } = portal.server;
	const second = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: database.url, DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url }
	});
	onTestFinished(() => second.dispose());
	const company = await portal.company({ admin: portal.admin });
	const page = await company.owner.listen();
	await Promise.all([page.hears('online'), page.hears('news true')]);
	const open = await openOn(second, company.owner);
	way.deafen();
	await page.hears('news false');
	const missed = await portal.application(company);
	// What happened just before it came may be told just after: its page knows by the numbers that it has it.
	const isMissed = ({ name }: { name: string }) => name === 'application.created';
	await open.until(() => open.events.some(isMissed), 'the news on the other process');
	expect(page.events.filter(isMissed)).toEqual([]);
	// It connects as ever, and is told at once.
	const next = await company.owner.listen();
	await Promise.all([next.hears('connect'), next.hears('news false')]);
	expect(next.words).not.toContain('news true');

	way.hear();
	await page.until(() => page.words.at(-1) === 'news true', 'that it is live again');
	expect(page.words).toContain('resync');
	const { events } = await company.owner.api.activity.since.query({
		organizationId: company.id,
		after: (open.events.find(isMissed)?.seq ?? 1) - 1
	});
	expect(events).toMatchObject([{ payload: { application: { name: missed.name } } }]);
	// It has listened all along, and says so: late for a moment, as on a busy machine, is not deaf.
	expect(open.words).not.toContain('resync');
	await open.until(
		() => open.words.findLast((word) => word.startsWith('news')) === 'news true',
		'that the other process is live'
	);
	await portal.application(company);
	await page.hears('application.created');
});

async function openOn(server: Server, person: Visitor) {
	const page = listenOn(portal, server, person);
	await Promise.all([page.hears('online'), page.hears('news true')]);
	return page;
}

test('an answer that lies there when a process gets on again is taken, though its time has passed', async () => {
	const pool = createPool(database.url, { max: 1, limits: 'ping' });
	await pool.query('select 1');
	const answer = pool.query('select 2 as two');
	await setImmediate();
	// As when the machine sleeps for longer than an answer may take.
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
	expect((await answer).rows).toEqual([{ two: 2 }]);
	// One that doesn't come is waited for no longer than that, by whichever side's clock.
	await expect(pool.query('select pg_sleep(600)')).rejects.toThrow(
		/statement timeout|did not answer in time/
	);
	await pool.end();
});

test('a connection that has fallen silent is given up, and another one takes its place', async () => {
	// Not the portal's, which would wait for its own.
	const silent = await startCut(database.url);
	const pool = createPool(silent.url, { max: 1, limits: 'ping' });
	await pool.query('select 1');
	silent.fallSilent();
	await expect(pool.query('select 2')).rejects.toThrow('The database did not answer in time');
	expect((await pool.query('select 3 as three')).rows).toEqual([{ three: 3 }]);
	await pool.end();
	await silent.stop();
});
