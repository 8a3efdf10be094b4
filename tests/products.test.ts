import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent } from '#lib/events.ts';
import type { Cursor } from '#lib/views.ts';
import { refusal, getPortal, unique, type Company, type Portal, type Visitor } from './factories.ts';
import { createGateway } from './gateways.ts';
import { createPlan, createProduct, giveAccess, productValues, publishProduct, slugOf } from './products.ts';

let portal: Portal;
let admin: Portal['admin']['api']['products'];
beforeAll(async () => {
	portal = await getPortal();
	admin = portal.admin.api.products;
});
afterAll(() => portal.stop());

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

describe('who sees a product', () => {
	/** Which of the products each of these sees. */
	const viewers = {
		nobody: ['everyone', 'announced'],
		stranger: ['everyone', 'announced', 'developers'],
		'member of a chosen organization': ['everyone', 'announced', 'developers', 'chosen'],
		// Without one of theirs that is suspended.
		'member of a chosen organization that is suspended': ['everyone', 'announced', 'developers'],
		'member with access': ['everyone', 'announced', 'developers', 'chosen', 'over', 'retired'],
		'member whose access has ended': ['everyone', 'announced', 'developers'],
		'portal admin': ['draft', 'everyone', 'announced', 'developers', 'chosen', 'over', 'retired']
	} as const;
	const states = viewers['portal admin'];
	type State = (typeof states)[number];

	/** Every question that shows products to others than portal admins: whether it shows this one. */
	const questions: Record<
		string,
		(by: Visitor, product: { name: string; slug: string }) => Promise<boolean>
	> = {
		async 'the whole list'(by, { slug }) {
			let after: Cursor | null = null;
			for (;;) {
				const page: Awaited<ReturnType<typeof by.api.products.catalogue.query>> =
					await by.api.products.catalogue.query({ after });
				if (page.products.some((one) => one.slug === slug)) return true;
				if (!page.next) return false;
				after = page.next;
			}
		},
		async 'a search'(by, { name }) {
			const { products } = await by.api.products.catalogue.query({ search: name.toUpperCase() });
			return products.length > 0;
		},
		async 'its page'(by, { slug, name }) {
			const response = await by.request(
				`/trpc/products.open?input=${encodeURIComponent(JSON.stringify({ slug }))}`
			);
			const text = await response.text();
			if (response.ok) return true;
			const nothing = await by.request('/trpc/products.open?input={"slug":"there-is-none"}');
			// Word for word as of what isn't there.
			const withoutId = (one: string) => one.replace(/"requestId":"[^"]*"/, '');
			expect([response.status, withoutId(text)]).toEqual([nothing.status, withoutId(await nothing.text())]);
			expect(text).not.toContain(name);
			return false;
		}
	};

	test('is the same in every question: nothing is there of what one may not see', async () => {
		const companies = {} as Record<'chosen' | 'suspended' | 'holder' | 'former', Company>;
		for (const one of ['chosen', 'suspended', 'holder', 'former'] as const)
			companies[one] = await portal.company({ admin: portal.admin });
		const products = {} as Record<State, { id: string; name: string; slug: string }>;
		for (const state of states) {
			const visibility =
				state === 'developers' ? 'developers' : state === 'chosen' ? 'organizations' : 'everyone';
			const make = state === 'draft' ? createProduct : publishProduct;
			products[state] = await make(portal, { name: unique(`Seen ${state}`), visibility });
		}
		const productId = products.chosen.id;
		for (const one of ['chosen', 'suspended'] as const)
			await admin.choose.mutate({ productId, organizationId: companies[one].id, isChosen: true });
		await portal.admin.api.organizations.suspend.mutate({ organizationId: companies.suspended.id });
		for (const state of ['announced', 'over'] as const)
			await admin.retire.mutate({ productId: products[state].id, at: inDays(7).toISOString() });
		await admin.retire.mutate({ productId: products.retired.id, at: null });
		for (const one of ['holder', 'former'] as const) {
			const application = await portal.application(companies[one]);
			for (const state of ['chosen', 'over', 'retired'] as const) {
				const product = products[state];
				const plan = await createPlan(portal, product.id);
				await giveAccess(portal, {
					organizationId: companies[one].id,
					applicationId: application.id,
					productId: product.id,
					planId: plan.id,
					...(one === 'former' && { endsAt: inDays(-1) })
				});
			}
		}
		// Its announced day has come.
		await portal.inDatabase((db) =>
			db
				.updateTable('product')
				.set({ retiresAt: inDays(-1) })
				.where('id', '=', products.over.id)
				.execute()
		);
		const by: Record<keyof typeof viewers, Visitor> = {
			nobody: portal.visitor(),
			stranger: (await portal.company({ admin: portal.admin })).owner,
			'member of a chosen organization': await portal.member(companies.chosen),
			'member of a chosen organization that is suspended': companies.suspended.owner,
			'member with access': await portal.member(companies.holder),
			'member whose access has ended': companies.former.owner,
			'portal admin': portal.admin
		};
		const wrong: string[] = [];
		for (const [viewer, seen] of Object.entries(viewers)) {
			for (const state of states) {
				for (const [question, ask] of Object.entries(questions)) {
					const isSeen = await ask(by[viewer as keyof typeof viewers], products[state]);
					if (isSeen !== (seen as readonly string[]).includes(state))
						wrong.push(`${viewer} ${isSeen ? 'sees' : 'doesn’t see'} ${state} in ${question}`);
				}
			}
		}
		expect(wrong).toEqual([]);
	});

	test('is told to pages by a word without a name; what happened is told to portal admins alone', async () => {
		const company = await portal.company({ admin: portal.admin });
		const pages = [await portal.visitor().listen(), await company.owner.listen()];
		const own = await portal.admin.listen();
		for (const page of [...pages, own]) await page.hears('news true');
		const { id, name } = await createProduct(portal, { visibility: 'organizations' });
		await admin.publish.mutate({ productId: id });
		await own.hears('product.published');
		for (const page of pages) {
			await page.hears('products');
			expect(JSON.stringify([page.events, page.words])).not.toContain(name);
			expect(page.words.filter((word) => word.startsWith('product.'))).toEqual([]);
		}
	});
});

/** What a page heard of one product: the days of others come at their own times, and may be told in between. */
const toldOf = ({ events }: Awaited<ReturnType<Visitor['listen']>>, productId: string) =>
	events
		.filter(
			({ name, payload }) =>
				name.startsWith('product.') && 'product' in payload && payload.product?.id === productId
		)
		.map((one) => withoutIsolates(sayEvent(one)));

test('a product is made, changed, published, announced to end, kept, retired and published again, each step told', async () => {
	const page = await portal.admin.listen();
	await page.hears('news true');
	const made = await createProduct(portal, { name: 'Parcel API', contact: 'apis@provider.example' });
	expect(made).toMatchObject({
		slug: 'parcel-api',
		status: 'draft',
		publishedAt: null,
		plans: [],
		organizationCount: 0,
		accessCount: 0
	});
	const productId = made.id;
	const values = productValues({ name: 'Parcels', slug: 'parcels', description: '# Hello' });
	await admin.update.mutate({ productId, ...values });
	// What changes nothing is told to nobody.
	await admin.update.mutate({ productId, ...values });
	const published = await admin.publish.mutate({ productId });
	expect(published).toMatchObject({ status: 'published', slug: 'parcels' });
	expect(await refusal(admin.publish.mutate({ productId }))).toMatchObject({ status: 409, reason: 'STATUS' });
	const at = inDays(30).toISOString();
	expect(await admin.retire.mutate({ productId, at })).toMatchObject({ status: 'published', retiresAt: at });
	expect(await admin.cancelRetirement.mutate({ productId })).toMatchObject({
		status: 'published',
		retiresAt: null
	});
	expect(await refusal(admin.cancelRetirement.mutate({ productId }))).toMatchObject({
		status: 409,
		reason: 'STATUS'
	});
	const retired = await admin.retire.mutate({ productId, at: null });
	expect(retired).toMatchObject({ status: 'retired', retiresAt: null });
	expect(retired.retiredAt).not.toBeNull();
	for (const again of [
		() => admin.retire.mutate({ productId, at: null }),
		() => admin.cancelRetirement.mutate({ productId }),
		() => admin.delete.mutate({ productId })
	])
		expect(await refusal(again())).toMatchObject({ status: 409, reason: 'STATUS' });
	expect(await admin.publish.mutate({ productId })).toMatchObject({ status: 'published', retiredAt: null });
	await page.until(
		() => page.words.filter((word) => word === 'product.published').length === 2,
		'that it is published again'
	);
	expect(toldOf(page, productId)).toEqual([
		'added the API product Parcel API',
		'changed the name, the address, the description, the contact of the API product Parcels',
		'published the API product Parcels',
		`retires the API product Parcels on ${at.slice(0, 10)}`,
		'doesn’t retire the API product Parcels after all',
		'retired the API product Parcels',
		'published the API product Parcels'
	]);
});

test('a draft is deleted with its plans; a day that has come can’t be announced', async () => {
	const { id: productId } = await createProduct(portal);
	await createPlan(portal, productId);
	expect(await refusal(admin.retire.mutate({ productId, at: null }))).toMatchObject({ reason: 'STATUS' });
	await admin.delete.mutate({ productId });
	expect(await refusal(admin.get.query({ productId }))).toMatchObject({ status: 404 });
	const { id } = await publishProduct(portal);
	expect(await refusal(admin.retire.mutate({ productId: id, at: inDays(-1).toISOString() }))).toMatchObject({
		status: 400,
		fields: { at: expect.stringContaining('has come') }
	});
});

test('what can’t be meant is refused at its field, and nothing is saved', async () => {
	const taken = await createProduct(portal, { name: 'Taken API' });
	const before = (await admin.list.query({ search: 'refused' })).products.length;
	const wrong: [object, string, number][] = [
		[{ name: ' ' }, 'name', 400],
		[{ name: 'x'.repeat(81) }, 'name', 400],
		[{ name: 'TAKEN  api' }, 'name', 409],
		[{ name: 'Taken\u200d API' }, 'name', 409],
		[{ slug: '' }, 'slug', 400],
		[{ slug: 'Parcels' }, 'slug', 400],
		[{ slug: 'a b' }, 'slug', 400],
		[{ slug: '../admin' }, 'slug', 400],
		[{ slug: '-a' }, 'slug', 400],
		[{ slug: 'größe' }, 'slug', 400],
		[{ slug: 'x'.repeat(61) }, 'slug', 400],
		[{ slug: taken.slug }, 'slug', 409],
		[{ summary: 'x'.repeat(161) }, 'summary', 400],
		[{ summary: 'two\nlines' }, 'summary', 400],
		[{ description: 'x'.repeat(20_001) }, 'description', 400],
		[{ description: 'a\u202eb' }, 'description', 400],
		[{ contact: 'x'.repeat(201) }, 'contact', 400],
		[{ visibility: 'admins' }, 'visibility', 400]
	];
	for (const [given, field, status] of wrong) {
		const values = { ...productValues({ name: unique('Refused') }), ...given };
		const refused = await refusal(admin.create.mutate(values as never));
		expect([refused.status, Object.keys(refused.fields)], JSON.stringify(given)).toEqual([status, [field]]);
		const updated = await refusal(
			admin.update.mutate({
				...(values as ReturnType<typeof productValues>),
				productId: (await createProduct(portal, { name: unique('Kept') })).id
			})
		);
		expect([updated.status, Object.keys(updated.fields)], JSON.stringify(given)).toEqual([status, [field]]);
	}
	expect((await admin.list.query({ search: 'refused' })).products).toHaveLength(before);
	// Of the longest that fits, also of letters that take three bytes.
	const long = await createProduct(portal, { description: '漢'.repeat(20_000) });
	expect((await admin.get.query({ productId: long.id })).product.description).toHaveLength(20_000);
});

test('the lists go page by page, each product once, whatever is searched and filtered', async () => {
	const word = unique('Paged').replaceAll(' ', '');
	const names = Array.from({ length: 64 }, (_, index) => `${word} ${String(index).padStart(2, '0')}`);
	for (const [index, name] of names.entries())
		await (index < 34
			? publishProduct(portal, { name, slug: slugOf(name) })
			: createProduct(portal, { name }));
	async function walk(
		ask: (after: Cursor | null) => Promise<{ products: { name: string }[]; next: Cursor | null }>
	) {
		const pages: string[][] = [];
		for (let after: Cursor | null = null; ;) {
			const { products, next } = await ask(after);
			pages.push(products.map(({ name }) => name));
			if (!next) return pages;
			after = next;
		}
	}
	const all = await walk((after) => admin.list.query({ search: word, after }));
	expect(all.map(({ length }) => length)).toEqual([50, 14]);
	expect(all.flat()).toEqual(names.toReversed());
	const drafts = await walk((after) => admin.list.query({ search: word, status: 'draft', after }));
	expect(drafts.flat()).toEqual(names.slice(34).toReversed());
	const shown = await walk((after) => portal.visitor().api.products.catalogue.query({ search: word, after }));
	expect(shown.map(({ length }) => length)).toEqual([30, 4]);
	expect(shown.flat()).toEqual(names.slice(0, 34));
	// By what stands in its line and its address as well, without regard to case and accents.
	const { slug } = await publishProduct(portal, { name: unique('Other'), summary: 'Für Größen' });
	const find = async (search: string) =>
		(await portal.visitor().api.products.catalogue.query({ search })).products.map((one) => one.slug);
	expect([await find('fur GROSSEN'), await find(slug)]).toEqual([[slug], [slug]]);
});

test('a description is shown without HTML, foreign images and addresses that run something', async () => {
	const description = [
		'# Title\n\n### Deep\n\n<script>alert(1)</script> <img src=x onerror=alert(1)>',
		'![A picture](https://elsewhere.example/x.png) [bad](javascript:alert(1)) [worse](//elsewhere.example)',
		'[good](https://docs.example/a) [mail](mailto:a@b.example)'
	].join('\n\n');
	const { slug, id } = await publishProduct(portal, { description });
	const { html } = await portal.visitor().api.products.open.query({ slug });
	expect(html).toContain('<h3>Title</h3>\n<h4>Deep</h4>');
	expect(html).toContain('<a href="https://docs.example/a" rel="noopener nofollow">good</a>');
	expect(html).toContain('<a href="mailto:a@b.example" rel="noopener nofollow">mail</a>');
	expect(html).toContain('A picture');
	expect(html).not.toMatch(/<script|<img|href="javascript|href="\/\//i);
	expect((await admin.get.query({ productId: id })).html).toBe(html);
	expect((await admin.preview.mutate({ description })).html).toBe(html);
});

test('organizations are chosen and gateways serve, each told once', async () => {
	const page = await portal.admin.listen();
	await page.hears('news true');
	const company = await portal.company({ admin: portal.admin });
	const space = await portal.space(company.owner);
	const { id: productId, name } = await publishProduct(portal, { visibility: 'organizations' });
	const find = async (search: string) =>
		(await admin.listOrganizations.query({ productId, search })).organizations;
	const choose = (organizationId: string, isChosen: boolean) =>
		admin.choose.mutate({ productId, organizationId, isChosen });
	expect(await find('')).toEqual([]);
	expect(await find(company.name)).toMatchObject([{ id: company.id, isChosen: false }]);
	for (const isChosen of [true, true]) await choose(company.id, isChosen);
	expect(await find('')).toMatchObject([{ id: company.id, isChosen: true }]);
	expect(await refusal(choose(space.id, true))).toMatchObject({ status: 404 });
	expect((await admin.get.query({ productId })).product.organizationCount).toBe(1);
	for (const isChosen of [false, false]) await choose(company.id, isChosen);

	const { gateway } = await createGateway(portal);
	const serve = (isServing: boolean) => admin.serve.mutate({ productId, gatewayId: gateway.id, isServing });
	for (const isServing of [true, true]) await serve(isServing);
	const isServing = async () =>
		(await admin.get.query({ productId })).product.gateways.find(({ id }) => id === gateway.id)?.isServing;
	expect(await isServing()).toBe(true);
	await serve(false);
	expect(await isServing()).toBe(false);
	await portal.admin.api.gateways.revoke.mutate({ gatewayId: gateway.id });
	expect(await isServing()).toBeUndefined();
	expect(await refusal(serve(true))).toMatchObject({ status: 404 });
	await page.hears('gateway.revoked');
	expect(toldOf(page, productId).slice(2)).toEqual([
		`chose ${company.name} to see the API product ${name}`,
		`no longer shows the API product ${name} to ${company.name}`,
		`has the gateway ${gateway.name} serve the API product ${name}`,
		`no longer has the gateway ${gateway.name} serve the API product ${name}`
	]);
});
