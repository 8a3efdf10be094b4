import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { unique } from './factories.ts';
import { createGateway, createKeyOf } from './gateways.ts';
import { startOpening } from './opening.ts';

/** What the plan of an API product holds a key to, on two processes. */

const { portal, other, stop, ask, statusOf, introspect, offer, get, furnish } = await startOpening();
afterAll(stop);

test('a plan’s month is never exceeded on two processes together; a limit that is raised is in force on both', async () => {
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
		await expect.poll(() => statusOf(token, secret, '', server), { interval: 20 }).toBe(200);
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
	expect(await portal.admin.api.gateways.check.mutate({ key: secret, productId: product.id })).toMatchObject({
		status: 429,
		answer: { reason: 'limited', said }
	});
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
