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
