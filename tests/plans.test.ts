import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent } from '#lib/events.ts';
import { refusal, getPortal, unique, type Company, type Portal } from './factories.ts';
import { createPlan, createProduct, giveAccess, planValues, publishProduct } from './products.ts';

/** Plans of API products, and who hears of other limits. */

let portal: Portal;
let plans: Portal['admin']['api']['plans'];
let company: Company;
beforeAll(async () => {
	portal = await getPortal();
	({ plans } = portal.admin.api);
	company = await portal.company({ admin: portal.admin });
});
afterAll(() => portal.stop());

const list = async (productId: string) =>
	(await portal.admin.api.products.get.query({ productId })).product.plans;

/** An application of the organization that has a product by a plan. */
async function hold(organization: Company, productId: string, planId: string, given: { endsAt?: Date } = {}) {
	const application = await portal.application(organization);
	await giveAccess(portal, {
		organizationId: organization.id,
		applicationId: application.id,
		productId,
		planId,
		...given
	});
	return application;
}

test('a plan is made, changed, put elsewhere, closed, opened and deleted, each step told', async () => {
	const page = await portal.admin.listen();
	await page.hears('news true');
	const { id: productId, name, slug } = await publishProduct(portal);
	const free = await createPlan(portal, productId, { name: 'Free' });
	const standard = await createPlan(portal, productId, { name: 'Standard', approval: 'manual' });
	const more = await createPlan(portal, productId, { name: 'More' });
	const names = async () => (await list(productId)).map((one) => one.name);
	expect(await names()).toEqual(['Free', 'Standard', 'More']);
	await plans.reorder.mutate({ productId, planIds: [more.id, free.id, standard.id] });
	expect(await names()).toEqual(['More', 'Free', 'Standard']);
	for (const planIds of [
		[more.id, free.id],
		[more.id, more.id, free.id],
		[free.id, standard.id, productId]
	])
		expect(await refusal(plans.reorder.mutate({ productId, planIds }))).toMatchObject({ reason: 'CHANGED' });
	const values = planValues({ name: 'Free', perSecond: 0, perMonth: 5000 });
	await plans.update.mutate({ planId: free.id, ...values });
	await plans.update.mutate({ planId: free.id, ...values });
	for (let time = 0; time < 2; time++) await plans.close.mutate({ planId: more.id });
	const seen = async () =>
		(await portal.visitor().api.products.open.query({ slug })).product.plans.map((one) => one.name);
	// Nobody new gets a closed one, so nobody new sees it.
	expect(await seen()).toEqual(['Free', 'Standard']);
	for (let time = 0; time < 2; time++) await plans.reopen.mutate({ planId: more.id });
	expect(await seen()).toEqual(['More', 'Free', 'Standard']);
	await plans.delete.mutate({ planId: standard.id });
	expect(await refusal(plans.delete.mutate({ planId: standard.id }))).toMatchObject({ status: 404 });
	await page.hears('plan.deleted');
	const told = page.events.filter((one) => /^(plan|product\.updated)/.test(one.name));
	expect(told.map((one) => withoutIsolates(sayEvent(one)))).toEqual([
		`added the plan Free to ${name}`,
		`added the plan Standard to ${name}`,
		`added the plan More to ${name}`,
		`changed the order of the plans of the API product ${name}`,
		`limited the plan Free of ${name} to 5,000 requests a month`,
		`closed the plan More of ${name} to new applications`,
		`opened the plan More of ${name} again`,
		`deleted the plan Standard of ${name}`
	]);
});

test('a plan that is used, was, or was asked for stays; one of the same visible name is refused', async () => {
	const { id: productId } = await publishProduct(portal);
	const used = await createPlan(portal, productId, { name: 'Used' });
	const asked = await createPlan(portal, productId, { name: 'Asked' });
	await hold(company, productId, used.id, { endsAt: new Date(Date.now() - 1000) });
	const application = await portal.application(company);
	await portal.inDatabase((db) =>
		db
			.insertInto('accessRequest')
			.values({
				organizationId: company.id,
				applicationId: application.id,
				productId,
				planId: asked.id,
				status: 'withdrawn',
				requestedBy: { id: null, name: 'Somebody', kind: 'developer' },
				decidedAt: null
			})
			.execute()
	);
	expect((await list(productId)).map(({ isUsed }) => isUsed)).toEqual([true, true]);
	for (const { id } of [used, asked])
		expect(await refusal(plans.delete.mutate({ planId: id }))).toMatchObject({ status: 409, reason: 'USED' });
	for (const name of ['USED', 'Us\u200ded ']) {
		const taken = { status: 409, fields: { name: expect.stringContaining('this name') } };
		expect(await refusal(createPlan(portal, productId, { name }))).toMatchObject(taken);
		expect(await refusal(plans.update.mutate({ planId: asked.id, ...planValues({ name }) }))).toMatchObject(
			taken
		);
	}
	// Of another product it may be called the same.
	await createPlan(portal, (await createProduct(portal)).id, { name: 'Used' });
	for (const [given, field] of [
		[{ perSecond: -1 }, 'perSecond'],
		[{ perSecond: 1.5 }, 'perSecond'],
		[{ perMonth: 3_000_000_000 }, 'perMonth'],
		[{ credentialDays: 4000 }, 'credentialDays'],
		[{ name: '' }, 'name'],
		[{ text: 'x'.repeat(301) }, 'text']
	] as const) {
		const refused = await refusal(createPlan(portal, productId, given));
		expect([refused.status, Object.keys(refused.fields)]).toEqual([400, [field]]);
	}
});

test('other limits are told to each team that has access by the plan, and to no other', async () => {
	const other = await portal.company({ admin: portal.admin });
	const former = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const product = await publishProduct(portal, { visibility: 'organizations' });
	const plan = await createPlan(portal, product.id, { perSecond: 5, perMonth: 100 });
	const second = await createPlan(portal, product.id);
	const held = [await hold(company, product.id, plan.id), await hold(company, product.id, plan.id)];
	const alsoHeld = await hold(other, product.id, plan.id);
	await hold(former, product.id, plan.id, { endsAt: new Date(Date.now() - 1000) });
	await hold(former, product.id, second.id);
	const pages = {
		company: await company.owner.listen(),
		other: await other.owner.listen(),
		former: await former.owner.listen()
	};
	for (const page of Object.values(pages)) await page.hears('news true');
	const { name } = plan;
	await plans.update.mutate({ planId: plan.id, ...planValues({ name, perSecond: 20, perMonth: 100 }) });
	const limitedOn = (page: (typeof pages)['company']) =>
		page.events.flatMap((one) => (one.name === 'access.limited' ? one.payload.access : []));
	await pages.company.until(() => limitedOn(pages.company).length === 2, 'both applications');
	await pages.other.hears('access.limited');
	expect(limitedOn(pages.company)).toMatchObject(
		held.map((application) => ({
			applicationId: application.id,
			applicationName: application.name,
			product: { id: product.id, slug: product.slug, name: product.name },
			granted: { plan: { id: plan.id, perSecond: 20, perMonth: 100 }, endsAt: null },
			request: null
		}))
	);
	expect(limitedOn(pages.other)).toMatchObject([{ applicationId: alsoHeld.id }]);
	const words = `changed the limits of ${held[0]?.name} with ${product.name} to 20 requests a second, 100 a month`;
	const [first] = pages.company.events.filter((one) => one.name === 'access.limited');
	expect(first?.actor).toMatchObject({ kind: 'admin' });
	expect(first && withoutIsolates(sayEvent(first))).toBe(words);
	const subject = `${product.name} allows 20 requests a second, 100 a month now`;
	for (const address of [company.owner.email, member.email]) {
		const mail = await portal.mailTo(address, subject);
		for (const application of held) expect(mail).toContain(application.name);
	}
	await portal.mailTo(other.owner.email, subject);
	// What says nothing of limits is told to nobody, and the same limits once more are not either.
	await plans.update.mutate({
		planId: plan.id,
		...planValues({ name, perSecond: 20, perMonth: 100, text: 'x' })
	});
	await plans.update.mutate({ planId: second.id, ...planValues({ name: second.name, perMonth: 7 }) });
	await pages.former.hears('access.limited');
	expect(limitedOn(pages.former)).toMatchObject([{ granted: { plan: { id: second.id, perMonth: 7 } } }]);
	expect([limitedOn(pages.company).length, limitedOn(pages.other).length]).toEqual([2, 1]);
	const about = portal.smtp.messages.filter(({ subject: one }) => one === subject);
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(about.length).toBe(snapshot.members.length + 1);
	// Nobody is looked for again and again who knows it already.
	const isTelling = () =>
		portal.inDatabase((db) => db.selectFrom('plan').select('id').where('isTelling', '=', true).execute());
	await expect.poll(isTelling).toEqual([]);
});

test('another age of credentials is told to each team that has access by the plan, with those that are too old by it', async () => {
	const other = await portal.company({ admin: portal.admin });
	const product = await publishProduct(portal);
	const plan = await createPlan(portal, product.id);
	const [held, alsoHeld] = [await hold(company, product.id, plan.id), await hold(other, product.id, plan.id)];
	const credentialOf = async (organization: Company, applicationId: string) => {
		const { snapshot } = await organization.owner.api.organizations.open.query({ slug: organization.slug });
		return snapshot.applications.find(({ id }) => id === applicationId)?.credentials[0];
	};
	const old = await credentialOf(company, held.id);
	const createdAt = new Date(Date.now() - 40 * 86_400_000);
	await portal.inDatabase((db) =>
		db
			.updateTable('credential')
			.set({ createdAt })
			.where('id', '=', old?.id ?? '')
			.execute()
	);
	const pages = [await company.owner.listen(), await other.owner.listen()];
	for (const page of pages) await page.hears('news true');
	const values = { name: plan.name, perSecond: plan.perSecond, perMonth: plan.perMonth };
	const update = (credentialDays: number) =>
		plans.update.mutate({ planId: plan.id, ...planValues({ ...values, credentialDays }) });
	await update(30);
	for (const page of pages) await page.hears('access.aged');
	const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);
	const young = await credentialOf(other, alsoHeld.id);
	const stops = [createdAt.getTime(), Date.parse(young?.createdAt ?? '')].map((at) => at + 30 * 86_400_000);
	const subject = `${product.name} takes credentials up to 30 days old now`;
	for (const [index, [page, organization, application]] of [
		[pages[0], company, held] as const,
		[pages[1], other, alsoHeld] as const
	].entries()) {
		const told = page?.events.filter((one) => one.name === 'access.aged') ?? [];
		expect(told.map((one) => withoutIsolates(sayEvent(one)))).toEqual([
			`takes credentials up to 30 days old for access of ${application.name} to ${product.name}; the first one is too old from ${dayOf(stops[index] ?? 0)} on`
		]);
		expect(page?.events.some(({ name }) => name === 'access.limited')).toBe(false);
		const mail = await portal.mailTo(organization.owner.email, subject);
		expect(mail).toContain(`${application.name} – Default (…`);
		expect(mail).toContain(index === 0 ? 'too old since' : 'until');
	}
	await update(0);
	const relaxed = await portal.mailTo(other.owner.email, `${product.name} takes credentials of any age now`);
	expect(relaxed).toContain('No credential of yours stops opening it by that.');
	// Other limits alone say nothing of ages.
	await plans.update.mutate({ planId: plan.id, ...planValues({ ...values, perMonth: 77 }) });
	for (const page of pages) await page.hears('access.limited');
	expect(pages.map((page) => page.events.filter(({ name }) => name === 'access.aged').length)).toEqual([
		2, 2
	]);
});

test('a plan’s form leaves what it didn’t alter, and is told of a limit that somebody else has set meanwhile', async () => {
	const { id: productId } = await publishProduct(portal);
	const plan = await createPlan(portal, productId, { approval: 'automatic', perSecond: 10, perMonth: 0 });
	const planId = plan.id;
	await plans.update.mutate({ planId, approval: 'manual', perMonth: 5000 });
	await plans.update.mutate({ planId, text: 'For everybody', seen: { text: '' } });
	const [now] = await list(productId);
	expect(now).toMatchObject({ approval: 'manual', perSecond: 10, perMonth: 5000, text: 'For everybody' });
	const refused = await refusal(plans.update.mutate({ planId, perMonth: 100, seen: { perMonth: 0 } }));
	expect(refused).toMatchObject({ reason: 'CHANGED', now: { perMonth: 5000 } });
	expect(refused.fields.perMonth).toContain('now it is 5,000.');
	expect((await list(productId))[0]).toMatchObject({ perMonth: 5000 });
});

test('a form sends what was altered in it, and where somebody else has changed that very field, it is told what it is now', async () => {
	const product = await publishProduct(portal, { visibility: 'everyone' });
	const { products } = portal.admin.api;
	const productId = product.id;
	const get = async () => (await products.get.query({ productId })).product;
	await products.update.mutate({ productId, visibility: 'organizations', description: 'x'.repeat(200) });
	// What was opened before leaves what it didn't alter.
	await products.update.mutate({ productId, summary: 'Another line', seen: { summary: product.summary } });
	expect(await get()).toMatchObject({ visibility: 'organizations', summary: 'Another line' });
	const late = { visibility: 'developers', seen: { visibility: 'everyone' } } as const;
	const refused = await refusal(products.update.mutate({ productId, name: unique('Late'), ...late }));
	expect(refused).toMatchObject({ reason: 'CHANGED', now: { visibility: 'organizations' } });
	expect(withoutIsolates(refused.fields.visibility ?? '')).toBe(
		'Somebody has changed this meanwhile: now it is “Chosen organizations”. Save again to put yours in its place.'
	);
	const text = await refusal(
		products.update.mutate({ productId, description: 'Mine', seen: { description: '' } })
	);
	expect(withoutIsolates(text.fields.description ?? '')).toContain(`now it is “${'x'.repeat(80)}…”.`);
	expect(await get()).toMatchObject({ visibility: 'organizations', name: product.name });
	// Known now, it is replaced; and what is the same anyway is no news.
	await products.update.mutate({ productId, ...late, seen: { visibility: 'organizations' } });
	await products.update.mutate({ productId, ...late });
	expect(await get()).toMatchObject({ visibility: 'developers' });
});
