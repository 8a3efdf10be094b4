import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, unique, type Company, type Portal } from './factories.ts';
import { createGateway, createKeyOf, forward } from './gateways.ts';
import type { Server } from './harness.ts';
import { createPlan, publishProduct, slugOf } from './products.ts';
import { inItsTime, startSecond } from './race.ts';

/** What a key opens: gateways ask about API products, on two processes that keep their answers in memory. */

let portal: Portal;
let other: Server;
beforeAll(async () => {
	portal = await startPortal();
	other = await startSecond(portal);
});
afterAll(async () => {
	await other.dispose();
	await portal.stop();
});

interface Said {
	status?: number;
	reason?: string;
	detail?: string;
	product?: { slug: string; name: string };
}

async function ask(token: string, secret: string, query = '', { origin } = portal.server) {
	const { status, headers, text } = await forward(origin, token, { 'x-api-key': secret }, { path: query });
	return { status, headers, said: (text ? JSON.parse(text) : {}) as Said };
}
const statusOf = async (...given: Parameters<typeof ask>) => (await ask(...given)).status;

async function introspect(token: string, secret: string, fields: Record<string, string> = {}) {
	const response = await fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		headers: { authorization: `Bearer ${token}` },
		body: new URLSearchParams({ token: secret, ...fields })
	});
	return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

type Product = Awaited<ReturnType<typeof publishProduct>>;

/** A product that asks nobody, and a gateway in front of it. */
async function offer(given: Parameters<typeof createPlan>[2] = {}) {
	const product = await publishProduct(portal, { name: unique('Größen API'), slug: slugOf(unique('sizes')) });
	const plan = await createPlan(portal, product.id, { perSecond: 0, perMonth: 0, ...given });
	const { gateway, token } = await createGateway(portal);
	const serving = { gatewayId: gateway.id, productId: product.id };
	await portal.admin.api.products.serve.mutate({ ...serving, isServing: true });
	return { product, plan, gateway, token };
}

const get = (company: Company, applicationId: string, product: Product, planId: string) =>
	company.owner.api.accesses.request.mutate({
		organizationId: company.id,
		applicationId,
		product: product.slug,
		planId
	});

async function furnish(offered: Awaited<ReturnType<typeof offer>>) {
	const company = await portal.company({ admin: portal.admin });
	const key = await createKeyOf(company);
	const { granted } = await get(company, key.application.id, offered.product, offered.plan.id);
	return { company, ...key, accessId: granted?.id ?? '' };
}

test('a key opens the product that its application has access to, and no other; both ways of asking say which', async () => {
	const [open, closed] = [await offer(), await offer()];
	const company = await portal.company({ admin: portal.admin });
	const { application, secret } = await createKeyOf(company);
	for (const { origin } of [portal.server, other]) {
		const refused = await ask(open.token, secret, '', { origin } as Server);
		expect(refused.status).toBe(403);
		const { slug, name } = open.product;
		expect(refused.said).toMatchObject({ status: 403, reason: 'access', product: { slug, name } });
		expect(refused.headers.get('content-type')).toBe('application/problem+json');
	}
	expect((await introspect(open.token, secret)).body).toEqual({ active: false });

	await get(company, application.id, open.product, open.plan.id);
	const letIn = await ask(open.token, secret);
	expect([letIn.status, letIn.headers.get('x-portico-product'), letIn.headers.get('x-portico-plan')]).toEqual(
		[200, open.product.slug, encodeURIComponent(open.plan.name)]
	);
	await expect.poll(() => statusOf(open.token, secret, '', other), { interval: 5, timeout: 2000 }).toBe(200);
	expect((await introspect(open.token, secret)).body).toMatchObject({
		active: true,
		scope: open.product.slug,
		product: { slug: open.product.slug },
		plan: open.plan.name
	});
	expect(await statusOf(closed.token, secret)).toBe(403);

	// Of the applications of the same company, each has its own.
	const second = await createKeyOf(company);
	expect(await statusOf(open.token, second.secret)).toBe(403);
});

test('a gateway in front of several products names one, in its own address alone; words say what is wrong', async () => {
	const [one, two] = [await offer(), await offer()];
	const { secret } = await furnish(one);
	const both = { gatewayId: one.gateway.id, productId: two.product.id, isServing: true };
	await portal.admin.api.products.serve.mutate(both);
	const { token } = one;
	expect(await statusOf(token, secret, `?product=${one.product.slug}`)).toBe(200);
	expect(await statusOf(token, secret, `?product=${two.product.slug}`)).toBe(403);
	const third = await publishProduct(portal);
	const wrong: [string, RegExp][] = [
		['', /in front of several API products/],
		['?product=', /“product” is empty/],
		[`?product=&product=${one.product.slug}`, /“product” is empty/],
		['?product=no-such-thing', /no API product with the address/],
		[`?product=${third.slug}`, /doesn’t stand in front of the API product/],
		[`?product=${one.product.slug}&product=${two.product.slug}`, /named 2 times/],
		// What a client has asked for comes behind the path: it names nothing.
		['/v1/things?a=b', /in front of several/],
		[`/?product=${one.product.slug}`, /named right behind/],
		[`/api/forward-auth?product=${one.product.slug}`, /named right behind/]
	];
	for (const [path, words] of wrong) {
		const { status, said } = await ask(token, secret, path);
		expect([status, said.detail], path).toEqual([400, expect.stringMatching(words)]);
	}
	const byField = await introspect(token, secret, { product: one.product.slug });
	expect(byField.body).toMatchObject({ active: true, product: { slug: one.product.slug } });
	expect((await introspect(token, secret)).body).toMatchObject({
		error: 'invalid_request',
		error_description: expect.stringMatching(/in front of several/) as string
	});
	// No longer: the one that is left needs no name.
	await portal.admin.api.products.serve.mutate({ ...both, isServing: false });
	expect(await statusOf(token, secret)).toBe(200);
});

test('a gateway in front of no product lets every working key in, and may name any product', async () => {
	const offered = await offer();
	const { token } = await createGateway(portal);
	const { secret } = await furnish(offered);
	const stranger = await createKeyOf(await portal.company({ admin: portal.admin }));
	for (const key of [secret, stranger.secret]) expect(await statusOf(token, key)).toBe(200);
	expect((await introspect(token, secret)).body).toMatchObject({ active: true, scope: offered.product.slug });
	expect((await introspect(token, stranger.secret)).body).not.toHaveProperty('scope');
	expect(await statusOf(token, secret, `?product=${offered.product.slug}`)).toBe(200);
	expect(await statusOf(token, stranger.secret, `?product=${offered.product.slug}`)).toBe(403);
});

type Held = Awaited<ReturnType<typeof furnish>> & { offered: Awaited<ReturnType<typeof offer>> };

/** Each thing that ends what a key opens, while the key itself goes on working. */
const ends: [string, (held: Held) => Promise<unknown>, string][] = [
	[
		'ended by the provider',
		({ company, accessId }) =>
			portal.admin.api.accesses.end.mutate({ organizationId: company.id, accessId, inDays: 0 }),
		'access'
	],
	[
		'ended by the team',
		({ company, accessId }) =>
			company.owner.api.accesses.endOwn.mutate({ organizationId: company.id, accessId }),
		'access'
	]
];

test('what ends access is in force from the next request on where it was done, and within a tenth of a second elsewhere', async () => {
	const lags: number[] = [];
	// Several rounds, of which most count: in some the machine has something else to do.
	for (const [what, end, reason] of [...ends, ...ends, ...ends]) {
		const offered = await offer();
		const held = { ...(await furnish(offered)), offered };
		const anywhere = await createGateway(portal);
		const { token } = offered;
		for (const server of [portal.server, other, portal.server, other])
			expect(await statusOf(token, held.secret, '', server), what).toBe(200);
		// Retired, it is given to nobody new; whoever has access keeps it.
		await portal.admin.api.products.retire.mutate({ productId: offered.product.id, at: null });
		for (const server of [portal.server, other])
			expect(await statusOf(token, held.secret, '', server), what).toBe(200);
		await end(held);
		const here = await ask(token, held.secret);
		const began = performance.now();
		expect([here.status, here.said.reason], what).toEqual([403, reason]);
		await expect.poll(() => statusOf(token, held.secret, '', other), { interval: 1 }).toBe(403);
		lags.push(performance.now() - began);
		expect(await statusOf(anywhere.token, held.secret), what).toBe(200);
	}
	expect(lags.toSorted((one, two) => one - two)[Math.floor(lags.length / 2)]).toBeLessThan(100);
});

test('requests are counted by the API product that they open', async () => {
	const [first, second] = [await offer(), await offer()];
	const held = await furnish(first);
	const { granted } = await get(held.company, held.application.id, second.product, second.plan.id);
	for (const token of [first.token, first.token, second.token])
		expect(await statusOf(token, held.secret)).toBe(200);
	const { api } = held.company.owner;
	const opened = async () => (await api.quotas.list.query({ organizationId: held.company.id })).opened;
	await expect.poll(opened).toEqual({ [held.accessId]: 2, [granted?.id ?? '']: 1 });
});

test('access that ends on a day ends at that moment, also where it is known by heart', async () => {
	const offered = await offer();
	const held = await furnish(offered);
	const { token } = offered;
	await inItsTime(async (life) => {
		await portal.inDatabase((db) =>
			db
				.updateTable('access')
				.set({ endsAt: new Date(Date.now() + life) })
				.where('id', '=', held.accessId)
				.execute()
		);
		// Read anew from here on.
		await held.company.owner.api.applications.update.mutate({
			organizationId: held.company.id,
			applicationId: held.application.id,
			name: unique('Renamed'),
			description: ''
		});
		expect(await statusOf(token, held.secret)).toBe(200);
	});
	await expect.poll(() => statusOf(token, held.secret), { interval: 20 }).toBe(403);
	expect((await introspect((await createGateway(portal)).token, held.secret)).body).not.toHaveProperty(
		'scope'
	);
});

test('a plan’s month is never exceeded on two processes together; a limit that is raised is in force within a second', async () => {
	const offered = await offer({ perMonth: 30 });
	const { secret, company, application } = await furnish(offered);
	const page = await company.owner.listen();
	await page.hears('news true');
	const { token } = offered;
	let through = 0;
	await Promise.all(
		[portal.server, other].map(async (server) => {
			for (let refused = 0; refused < 3;) {
				const { status, said } = await ask(token, secret, '', server);
				if (status === 200) through += 1;
				else {
					expect([status, said.reason]).toEqual([429, 'limited']);
					refused += 1;
				}
			}
		})
	);
	expect(through).toBeLessThanOrEqual(30);
	expect(through).toBeGreaterThanOrEqual(24);
	const neared = () =>
		page.events.flatMap((event) => (event.name === 'application.neared' ? [event.payload] : []));
	await page.until(() => neared().some(({ percent }) => percent === 100), 'the end of the month');
	expect(neared()).toMatchObject(neared().map(() => ({ most: 30, product: { slug: offered.product.slug } })));
	// Only this product's: at another one the same key goes on.
	const free = await offer();
	await get(company, application.id, free.product, free.plan.id);
	expect(await statusOf(free.token, secret)).toBe(200);

	const { name, text, approval, credentialDays } = offered.plan;
	await portal.admin.api.plans.update.mutate({
		planId: offered.plan.id,
		name,
		text,
		approval,
		credentialDays,
		perSecond: 0,
		perMonth: 500
	});
	for (const server of [portal.server, other]) {
		await expect.poll(() => statusOf(token, secret, '', server), { interval: 20, timeout: 2000 }).toBe(200);
		const { headers } = await ask(token, secret, '', server);
		expect(headers.get('ratelimit-policy')).toMatch(/"plan-month";q=500;/);
	}
});

test('a plan’s month counts what was let in before it was limited', async () => {
	const offered = await offer();
	const { secret, company, accessId } = await furnish(offered);
	const list = () => company.owner.api.quotas.list.query({ organizationId: company.id });
	for (let step = 0; step < 3; step += 1) expect(await statusOf(offered.token, secret)).toBe(200);
	await expect.poll(async () => (await list()).opened[accessId], { interval: 200 }).toBe(3);
	const { name, text, approval, credentialDays } = offered.plan;
	const values = { name, text, approval, credentialDays, perSecond: 0, perMonth: 3 };
	await portal.admin.api.plans.update.mutate({ planId: offered.plan.id, ...values });
	expect((await list()).taken[accessId]).toBe(3);
	// Also where no gateway has asked since.
	const { product } = offered;
	const said = `The application of this key has reached the limit of its plan “${name}” for ${product.name}: 3 requests a month.`;
	expect(
		await portal.admin.api.gateways.check.mutate({ key: secret, productId: product.id })
	).toMatchObject({ status: 429, answer: { reason: 'limited', said } });
	expect((await list()).applications.map(({ percent }) => percent)).toEqual([100]);
	for (const server of [portal.server, other]) {
		const isLimited = async () => {
			const { status, headers } = await ask(offered.token, secret, '', server);
			return headers.get('ratelimit-policy')?.includes('"plan-month";q=3;') ? status : 'not yet';
		};
		await expect.poll(isLimited, { interval: 200 }).not.toBe('not yet');
		expect(await isLimited()).toBe(429);
		expect((await ask(offered.token, secret, '', server)).said.detail).toBe(said);
	}
});

test('a key that is older than its plan allows is refused, until it is rotated', async () => {
	const offered = await offer({ credentialDays: 30 });
	const { secret, place, company } = await furnish(offered);
	await portal.inDatabase((db) =>
		db
			.updateTable('credential')
			.set({ createdAt: new Date(Date.now() - 31 * 86_400_000) })
			.where('id', '=', place.credentialId)
			.execute()
	);
	const refused = await ask(offered.token, secret);
	expect([refused.status, refused.said.reason]).toEqual([401, 'aged']);
	expect(refused.headers.get('www-authenticate')).toMatch(/error="invalid_token"/);
	const { api } = company.owner;
	const created = await api.credentials.rotate.mutate({ ...place, overlapSeconds: 0 });
	const { secret: fresh } = await api.credentials.reveal.mutate({ ...place, credentialId: created.id });
	expect(await statusOf(offered.token, fresh)).toBe(200);
});

test('the scope names what forward-auth lets in at that moment, whatever ends and ages there are', async () => {
	const day = 86_400_000;
	const offers = [await offer(), await offer(), await offer()];
	const { token } = await createGateway(portal);
	const company = await portal.company({ admin: portal.admin });
	const { application, place, secret } = await createKeyOf(company);
	for (const { product, plan } of offers) await get(company, application.id, product, plan.id);
	const organizationId = company.id;
	const daysFromNow = (days: number) => new Date(Date.now() + days * day);
	const standing = fc.record({
		credentialDays: fc.constantFrom(0, 1, 30),
		endsIn: fc.constantFrom(null, -1, 1),
		isDraft: fc.boolean()
	});
	const scene = fc.record({
		age: fc.constantFrom(0, 0.99, 1.01, 29.99, 30.01),
		held: fc.tuple(standing, standing, standing)
	});
	await fc.assert(
		fc.asyncProperty(scene, async ({ age, held }) => {
			await portal.inDatabase(async (db) => {
				const createdAt = daysFromNow(-age);
				await db.updateTable('credential').set({ createdAt }).where('id', '=', place.credentialId).execute();
				for (const [index, { product, plan }] of offers.entries()) {
					const { credentialDays = 0, endsIn = null, isDraft = false } = held[index] ?? {};
					await db.updateTable('plan').set({ credentialDays }).where('id', '=', plan.id).execute();
					const endsAt = endsIn === null ? null : daysFromNow(endsIn);
					await db.updateTable('access').set({ endsAt }).where('productId', '=', product.id).execute();
					const status = isDraft ? 'draft' : 'published';
					await db.updateTable('product').set({ status }).where('id', '=', product.id).execute();
				}
			});
			// Read anew from here on.
			const renamed = { organizationId, applicationId: application.id, description: '' };
			await company.owner.api.applications.update.mutate({ ...renamed, name: unique('Renamed') });
			const open: string[] = [];
			for (const { product } of offers)
				if ((await statusOf(token, secret, `?product=${product.slug}`)) === 200) open.push(product.slug);
			const { body } = await introspect(token, secret);
			expect(body).toMatchObject({ active: true });
			expect(body.scope).toEqual(open.length > 0 ? open.toSorted().join(' ') : undefined);
		}),
		{ numRuns: 40 }
	);
});
