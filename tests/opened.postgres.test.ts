import { afterAll, expect, test } from 'vitest';
import { unique } from './factories.ts';
import { createGateway, createKeyOf } from './gateways.ts';
import { startOpening } from './opening.ts';
import { publishProduct } from './products.ts';
import { createEcho, inItsTime } from './race.ts';

/** What a key opens: gateways ask about API products, on two processes that keep their answers in memory. */

const { portal, other, stop, ask, statusOf, introspect, offer, get, furnish } = await startOpening();
afterAll(stop);

test('a key opens the product that its application has access to, and no other; both ways of asking say which', async () => {
	const [open, closed] = [await offer(), await offer()];
	const company = await portal.company({ admin: portal.admin });
	const { application, secret } = await createKeyOf(company);
	for (const server of [portal.server, other]) {
		const refused = await ask(open.token, secret, '', server);
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
	await expect.poll(() => statusOf(open.token, secret, '', other), { interval: 5 }).toBe(200);
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

test('what ends access is in force from the next request on where it was done, and elsewhere once the news are there', async () => {
	const echo = await createEcho(portal, other);
	for (const [what, end, reason] of ends) {
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
		expect([here.status, here.said.reason], what).toEqual([403, reason]);
		await echo();
		expect(await statusOf(token, held.secret, '', other), what).toBe(403);
		expect(await statusOf(anywhere.token, held.secret), what).toBe(200);
	}
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
