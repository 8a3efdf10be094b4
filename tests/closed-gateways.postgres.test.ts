import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent } from '#lib/events.ts';
import { getPortal, refusal, type Portal } from './factories.ts';
import { createGateway, createKeyOf, forward } from './gateways.ts';
import type { Server } from './harness.ts';
import { createProduct } from './products.ts';
import { createEcho, startSecond } from './race.ts';

/** A gateway that stood in front of API products goes on asking about them alone, on two processes with answers in memory. */

let portal: Portal;
let other: Server;
beforeAll(async () => {
	portal = await getPortal();
	other = await startSecond(portal);
});
afterAll(async () => {
	await other.dispose();
	await portal.stop();
});

async function ask(token: string, secret: string, query = '', { origin } = portal.server) {
	const { status, headers, text } = await forward(origin, token, { 'x-api-key': secret }, { path: query });
	return { status, headers, said: (text ? JSON.parse(text) : {}) as { status?: number; detail?: string } };
}
const statusOf = async (...given: Parameters<typeof ask>) => (await ask(...given)).status;

async function introspect(token: string, secret: string) {
	const response = await fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		headers: { authorization: `Bearer ${token}` },
		body: new URLSearchParams({ token: secret })
	});
	return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a gateway that has no product left lets nobody in, on either process, until somebody has it let in every key', async () => {
	const { admin } = portal;
	const echo = await createEcho(portal, other);
	const page = await admin.listen();
	await page.hears('news true');
	const company = await portal.company({ admin });
	const { secret } = await createKeyOf(company);
	const { gateway, token } = await createGateway(portal);
	const servesOf = async () =>
		(await admin.api.gateways.list.query({})).working.find(({ id }) => id === gateway.id)?.serves;
	const id = { gatewayId: gateway.id };
	const everywhere = async (status: number) => {
		expect(await statusOf(token, secret)).toBe(status);
		await echo();
		expect(await statusOf(token, secret, '', other)).toBe(status);
	};
	const words = 'This gateway serves no API product: every request is refused.';
	for (const [what, take] of [
		['deleted', (productId: string) => admin.api.products.delete.mutate({ productId })],
		[
			'taken away',
			(productId: string) => admin.api.products.serve.mutate({ ...id, productId, isServing: false })
		]
	] as const) {
		expect(await servesOf()).toBe('everything');
		await everywhere(200);
		const draft = await createProduct(portal);
		await admin.api.products.serve.mutate({ ...id, productId: draft.id, isServing: true });
		expect(await servesOf()).toBe('products');
		expect((await refusal(admin.api.gateways.letAllIn.mutate(id))).reason).toBe('SERVING');
		await everywhere(403);
		expect((await ask(token, secret)).said).toMatchObject({ reason: 'access' });
		await take(draft.id);
		expect(await servesOf(), what).toBe('nothing');
		await everywhere(403);
		// Known by heart by now, and also for whatever product is named.
		for (const query of ['', `?product=${draft.slug}`, '?product=no-such-thing'])
			for (const server of [portal.server, other]) {
				const { headers, said } = await ask(token, secret, query, server);
				expect(said, what).toMatchObject({ status: 403, detail: words });
				expect(headers.get('content-type')).toBe('application/problem+json');
			}
		expect(await introspect(token, secret)).toMatchObject({
			status: 403,
			body: { error_description: words }
		});
		for (let time = 0; time < 2; time++) await admin.api.gateways.letAllIn.mutate(id);
		await everywhere(200);
	}
	expect((await introspect(token, secret)).body).toMatchObject({ active: true });
	await page.until(() => page.events.filter(({ name }) => name === 'gateway.opened').length === 2, 'both');
	const told = page.events.find(({ name }) => name === 'gateway.opened');
	expect(told && withoutIsolates(sayEvent(told))).toBe(
		`has the gateway ${gateway.name} let in every working key`
	);
});
