import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCut } from './cut.ts';
import { startPortal, type Portal } from './factories.ts';
import { createDatabase } from './harness.ts';

/** Requests are counted in memory and written every few seconds: what is lost with a process, and that nothing is doubled. */

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
let database: Awaited<ReturnType<typeof createDatabase>>;
let way: Awaited<ReturnType<typeof startCut>>;
let portal: Portal;
beforeAll(async () => {
	database = await createDatabase({ isPrepared: true });
	way = await startCut(database.url);
	portal = await startPortal({ DATABASE_URL: way.url, GATEWAY_TOKEN: gatewayToken });
});
afterAll(async () => {
	await portal.stop();
	await way.stop();
	await database.drop();
});

async function furnish() {
	const company = await portal.company({ admin: portal.admin });
	const { id: applicationId, credentials } = await portal.application(company);
	const place = { organizationId: company.id, applicationId };
	const { api } = company.owner;
	const { secret } = await api.credentials.reveal.mutate({
		...place,
		credentialId: credentials[0]?.id ?? ''
	});
	const check = async () => {
		const response = await fetch(`${portal.server.origin}/api/introspect`, {
			method: 'POST',
			body: new URLSearchParams({ token: secret }),
			headers: { authorization: `Bearer ${gatewayToken}`, connection: 'close' }
		});
		expect(await response.json()).toMatchObject({ active: true });
	};
	const read = async () => (await api.usage.get.query({ ...place, range: 'day' })).total.allowed;
	const hasCounted = (count: number) =>
		vi.waitFor(async () => expect(await read()).toBe(count), { timeout: 240_000, interval: 50 });
	return { check, read, hasCounted };
}

test('killed under load: what was written stays, only what came after it is lost, and nothing counts twice', async () => {
	const { check, read, hasCounted } = await furnish();
	let written = 0;
	for (let round = 0; round < 4; round++) {
		for (let time = 0; time < 20; time++) await check();
		written += 20;
		await hasCounted(written);
		// As many as are answered before the process is gone.
		let answered = 0;
		const load = (async () => {
			for (;;) {
				await check();
				answered += 1;
				await sleep(2);
			}
		})().catch(() => undefined);
		await vi.waitFor(() => expect(answered).toBeGreaterThan(10 * round), { timeout: 240_000, interval: 5 });
		await portal.server.kill();
		await load;
		await portal.server.restart();
		const after = await read();
		expect(after).toBeGreaterThanOrEqual(written);
		// One may have been counted whose answer never arrived.
		expect(after).toBeLessThanOrEqual(written + answered + 1);
		written = after;
	}
});

/**
 * What gateways ask at the same time, until nobody answers any more: when each answer came, by the clock of all. Each
 * takes a breath, so that what is tried is not how fast the machine is.
 */
function startLoad(check: () => Promise<void>, callers = 4) {
	const answeredAt: number[] = [];
	const calling = Array.from({ length: callers }, async () => {
		for (;;) {
			await check();
			answeredAt.push(Date.now());
			await sleep(100);
		}
	});
	return { answeredAt, callers, ended: Promise.allSettled(calling) };
}

test('killed under load: what was answered before the last batch is counted, and batches go every few seconds', async () => {
	const { check, read, hasCounted } = await furnish();
	await check();
	await hasCounted(1);
	const batches: { count: number; lastAt: number }[] = [];
	// A statement that was prepared before is called by its name.
	way.watch('"lastAt":', (bytes) => {
		const cells = [...bytes.matchAll(/"lastAt":(\d+),"count":(\d+)/g)];
		batches.push({
			count: cells.reduce((sum, [, , count]) => sum + Number(count), 0),
			lastAt: Math.max(...cells.map(([, lastAt]) => Number(lastAt)))
		});
	});
	const { answeredAt, callers, ended } = startLoad(check);
	await vi.waitFor(() => expect(batches.length).toBeGreaterThanOrEqual(5), {
		timeout: 240_000,
		interval: 20
	});
	const later = answeredAt.length + 10;
	await vi.waitFor(() => expect(answeredAt.length).toBeGreaterThan(later), { timeout: 240_000, interval: 5 });
	await portal.server.kill();
	await ended;
	await portal.server.restart();
	const counted = (await read()) - 1;

	// A batch goes when the one before is written. Whatever was answered before the last request of one is in it.
	let sent = 0;
	for (const [index, { count, lastAt }] of batches.entries()) {
		sent += count;
		const answered = answeredAt.filter((at) => at < lastAt).length;
		expect(sent).toBeGreaterThanOrEqual(answered);
		if (index < batches.length - 1) expect(counted).toBeGreaterThanOrEqual(sent);
	}
	expect(counted).toBeLessThanOrEqual(sent);
	expect(sent).toBeLessThanOrEqual(answeredAt.length + callers);
	// Of the pauses between them a busy machine makes some longer.
	const pauses = batches.slice(1).map(({ lastAt }, index) => lastAt - (batches[index]?.lastAt ?? 0));
	expect(Math.min(...pauses)).toBeLessThan(10_000);
});

test('asked to end under load: whatever was answered is counted', async () => {
	const { check, read } = await furnish();
	const { answeredAt, callers, ended } = startLoad(check);
	await vi.waitFor(() => expect(answeredAt.length).toBeGreaterThan(20), { timeout: 240_000, interval: 5 });
	expect(await portal.server.stop()).toBe(0);
	await ended;
	await portal.server.restart();
	const counted = await read();
	expect(counted).toBeGreaterThanOrEqual(answeredAt.length);
	expect(counted).toBeLessThanOrEqual(answeredAt.length + callers);
});

test('a batch whose answer was lost on the way is sent again, and counted once', async () => {
	const { check, hasCounted, read } = await furnish();
	const lost = way.loseAnswerTo('insert into usage_batch');
	for (let time = 0; time < 7; time++) await check();
	await lost;
	await check();
	// The first batch goes again before the second one.
	await hasCounted(8);
	await portal.server.stop();
	await portal.server.restart();
	expect(await read()).toBe(8);
	expect(portal.server.logs).toContain('requests could not be counted now');
});

test('while the database is away requests are kept, and counted when it is back', async () => {
	const { check, hasCounted } = await furnish();
	for (let time = 0; time < 5; time++) await check();
	await way.cut();
	await portal.server.waitForLog(/requests could not be counted now/);
	await way.mend();
	await hasCounted(5);
});
