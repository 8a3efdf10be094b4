import { once } from 'node:events';
import { connect } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { namesAtMost, refusals } from '#lib/wire.ts';
import { getPortal, password, type Person, type Portal, type Visitor } from './factories.ts';

/** How many pages may be open at once: of one session, one account, and without a session from one address. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

type Knock = { socket: Socket; answer: string };

/** Connects until it is told yes or no; how it was answered. Whom a busy server puts off comes again, as a page does. */
async function knock(headers: Record<string, string>): Promise<Knock> {
	for (;;) {
		const one = await knockOnce(headers);
		if (one.answer !== 'put off') return one;
	}
}

function knockOnce(headers: Record<string, string>): Promise<Knock> {
	const { origin } = portal.server;
	const socket = io(origin, {
		transports: ['websocket'],
		forceNew: true,
		reconnection: false,
		extraHeaders: { origin, ...headers }
	});
	portal.sockets.push(socket);
	return new Promise((resolve) => {
		socket.on('connect', () => resolve({ socket, answer: 'in' }));
		socket.on('disconnect', () => resolve({ socket, answer: 'put off' }));
		socket.on('connect_error', (error) => {
			// Without a reason of the portal's, the connection itself came to nothing, as where it took too long.
			const { reason = 'UNAVAILABLE' } = (error as { data?: { reason?: string } }).data ?? {};
			resolve({ socket, answer: reason === 'UNAVAILABLE' ? 'put off' : `${reason} ${error.message}` });
		});
	});
}
const crowd = (size: number, headers: Record<string, string>) =>
	Promise.all(Array.from({ length: size }, () => knock(headers)));
const count = (knocks: Knock[], answer: string) => knocks.filter((one) => one.answer === answer).length;
const leave = (knocks: Knock[]) => {
	for (const { socket } of knocks) socket.disconnect();
};
const isIn = ({ answer }: Knock) => answer === 'in';
const tooMany = `TOO_MANY ${refusals.TOO_MANY}`;
/** The server learns a moment later that a page is gone. */
const getsIn = (headers: Record<string, string>) =>
	expect.poll(async () => (await knock(headers)).answer).toBe('in');

async function signInAgain(email: string): Promise<Visitor> {
	const one = portal.visitor();
	await one.api.sessions.create.mutate({ email, password });
	return one;
}

test('300 pages of one session at once: fifty are let in, and as many again when those are closed', async () => {
	const person = await portal.person();
	const other = await signInAgain(person.email);
	const cookie = person.cookie();
	const knocks = await crowd(300, { cookie });
	expect(count(knocks, 'in')).toBe(50);
	expect(count(knocks, tooMany)).toBe(250);
	// Neither the person's other browser nor anybody else is in their way.
	expect((await knock({ cookie: other.cookie() })).answer).toBe('in');
	leave(knocks.filter(isIn).slice(0, 1));
	await getsIn({ cookie });
	expect((await knock({ cookie })).answer).toBe(tooMany);
	for (const socket of portal.sockets.splice(0)) socket.disconnect();
	const again = async () => {
		const all = await crowd(50, { cookie });
		leave(all);
		return count(all, 'in');
	};
	await expect.poll(again, { interval: 300 }).toBe(50);
});

test('many sessions of one account: two hundred pages in all', async () => {
	const person = await portal.person();
	const sessions = [person, ...(await Promise.all([1, 2, 3, 4].map(() => signInAgain(person.email))))];
	const knocks = (await Promise.all(sessions.map((one) => crowd(45, { cookie: one.cookie() })))).flat();
	expect(count(knocks, 'in')).toBe(200);
	expect(count(knocks, tooMany)).toBe(25);
	expect((await knock({ cookie: (await portal.person()).cookie() })).answer).toBe('in');
	leave(knocks);
	await getsIn({ cookie: person.cookie() });
});

test('a thousand pages without a session from one address: a hundred are let in, and take nobody else’s place', async () => {
	const address = { 'x-forwarded-for': '203.0.113.7' };
	const knocks = await crowd(1000, address);
	expect(count(knocks, 'in')).toBe(100);
	expect(count(knocks, tooMany)).toBeGreaterThan(0);
	expect((await knock({ 'x-forwarded-for': '203.0.113.8' })).answer).toBe('in');
	// A colleague behind the same address who is signed in.
	const { cookie } = await portal.person();
	expect((await knock({ ...address, cookie: cookie() })).answer).toBe('in');
	leave(knocks);
	await getsIn(address);
});

/** A connection below Socket.IO's own client; what it is told. */
function connectRaw(headers: Record<string, string>) {
	const url = `${portal.server.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
	const Connection = WebSocket as unknown as new (url: string, options: object) => WebSocket;
	const socket = new Connection(url, { headers: { origin: portal.server.origin, ...headers } });
	const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
	const heard: string[] = [];
	const first = new Promise<void>((resolve) =>
		socket.addEventListener('message', ({ data }) => {
			heard.push(String(data));
			resolve();
		})
	);
	return { socket, closed, heard, first };
}

test('a page that goes away while it is let in leaves no seat taken', async () => {
	const cookie = (await portal.person()).cookie();
	const gone = Array.from({ length: 60 }, async () => {
		const { socket, first, closed } = connectRaw({ cookie });
		await first;
		socket.send('40');
		socket.close();
		await closed;
	});
	await Promise.all(gone);
	// One after the other, since those that have gone may be counted for a moment.
	for (let i = 0; i < 50; i++) await getsIn({ cookie });
	expect((await knock({ cookie })).answer).toBe(tooMany);
});

test('who knocks again on the same connection is out, and so is who says nothing', async () => {
	const silent = connectRaw({});
	const twice = connectRaw({});
	await twice.first;
	twice.socket.send('40');
	twice.socket.send('41');
	twice.socket.send('40');
	await twice.closed;
	const began = performance.now();
	await silent.closed;
	// What the library allows by itself is 45.
	expect(performance.now() - began).toBeLessThan(40_000);
	expect(silent.heard.filter((one) => one.startsWith('4'))).toEqual([]);
});

test('of a crowd a page hears how many they are, with some names, and not of each by itself', async () => {
	const company = await portal.company({ admin: portal.admin });
	const crowd: Person[] = [];
	for (let each = 0; each < namesAtMost + 10; each++) crowd.push(await portal.member(company));
	const page = await company.owner.listen();
	await page.hears('online');
	const others = await Promise.all(crowd.map((one) => one.listen()));
	const isCount = (count: number) =>
		page.until(() => page.counts.get(company.id) === count, `a crowd of ${count}`);
	await isCount(crowd.length + 1);
	expect(page.online.get(company.id)?.size).toBe(namesAtMost);
	for (const { socket } of others) socket.disconnect();
	await isCount(1);
	expect(page.online.get(company.id)).toEqual(new Set([company.owner.userId]));
	expect(page.words.filter((word) => word === 'online').length).toBeLessThan(crowd.length);
});

test('a thousand connections wait while the portal is busy, and none is dropped', async ({
	onTestFinished
}) => {
	const { pid, port } = portal.server;
	process.kill(pid, 'SIGSTOP');
	onTestFinished(() => void process.kill(pid, 'SIGCONT'));
	const waiting = Array.from({ length: 1000 }, () => connect(port, '127.0.0.1'));
	// The system answers for those that are still to be taken; one that it drops comes again much later, if at all.
	await Promise.all(waiting.map((one) => once(one, 'connect')));
	process.kill(pid, 'SIGCONT');
	for (const one of waiting) one.destroy();
	expect((await portal.visitor().request('/healthz')).status).toBe(200);
});
