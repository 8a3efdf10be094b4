import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent } from '#lib/events.ts';
import { getPortal, type Portal } from './factories.ts';
import { startServer } from './harness.ts';
import { createPlan, giveAccess, publishProduct } from './products.ts';

/** The announced day of an API product comes. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

/** As if its announced day were this one. */
const moveDay = (productId: string, retiresAt: Date) =>
	portal.inDatabase((db) =>
		db.updateTable('product').set({ retiresAt }).where('id', '=', productId).execute()
	);

test('is told to the teams that have access, at their application too: announced, put off, taken back, come', async () => {
	const { products } = portal.admin.api;
	const product = await publishProduct(portal);
	const plan = await createPlan(portal, product.id);
	const [company, stranger] = [
		await portal.company({ admin: portal.admin }),
		await portal.company({ admin: portal.admin })
	];
	const member = await portal.member(company);
	const organizationId = company.id;
	const ask = async () => {
		const application = await portal.application(company);
		const place = { organizationId, applicationId: application.id };
		await company.owner.api.accesses.request.mutate({ ...place, product: product.slug, planId: plan.id });
		return application;
	};
	const [one, other, ended] = [await ask(), await ask(), await ask()];
	const open = async () => {
		const { snapshot } = await member.api.organizations.open.query({ slug: company.slug });
		return snapshot.accesses;
	};
	const gone = (await open()).find(({ applicationId }) => applicationId === ended.id);
	await company.owner.api.accesses.endOwn.mutate({ organizationId, accessId: gone?.granted?.id ?? '' });
	const [page, outside] = [await member.listen(), await stranger.owner.listen()];
	for (const each of [page, outside]) await each.hears('news true');
	const told = () =>
		page.events.flatMap((event) =>
			event.name === 'access.retiring' ? [withoutIsolates(sayEvent(event))] : []
		);
	const names = [one.name, other.name];
	const mailed = (to: string, subject: string) => portal.mailTo(to, subject);

	const day = inDays(40);
	await products.retire.mutate({ productId: product.id, at: day.toISOString() });
	await page.until(() => told().length === 2, 'the announcement');
	const on = day.toISOString().slice(0, 10);
	expect(told()).toEqual(
		names.map((name) => `retires ${product.name}, which ${name} has access to, on ${on}`)
	);
	const inWords = day.toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
	for (const { email } of [member, company.owner]) {
		const text = await mailed(email, `${product.name} is retired on ${inWords}`);
		for (const name of names) expect(text).toContain(name);
		expect(text).not.toContain(ended.name);
	}
	const retiresAt = (await open()).map((access) => [access.applicationName, access.retiresAt]);
	expect(Object.fromEntries(retiresAt)).toMatchObject({ [one.name]: day.toISOString() });
	// Who gets it now has read of it, and hears of what comes next.
	const late = await ask();
	await products.cancelRetirement.mutate({ productId: product.id });
	await page.until(() => told().length === 5, 'that it stays');
	expect(told().slice(2)).toEqual(
		[...names, late.name].map((name) => `goes on offering ${product.name}, which ${name} has access to`)
	);
	await mailed(member.email, `${product.name} goes on`);

	await products.retire.mutate({ productId: product.id, at: null });
	await page.until(() => told().length === 8, 'that it is retired');
	expect(await mailed(member.email, `${product.name} is retired`)).toContain('keeps it until the provider');
	await products.publish.mutate({ productId: product.id });
	await page.until(() => told().length === 11, 'that it is offered again');
	expect(outside.events.map(({ name }) => name)).not.toContain('access.retiring');
});

test('is told to open pages and to portal admins, once by two processes; nobody else’s day has come', async ({
	onTestFinished
}) => {
	const { products } = portal.admin.api;
	const announce = async (at: Date) => {
		const product = await publishProduct(portal);
		await products.retire.mutate({ productId: product.id, at: at.toISOString() });
		return product;
	};
	const [due, later, kept] = [
		await announce(inDays(7)),
		await announce(inDays(8)),
		await announce(inDays(9))
	];
	await products.cancelRetirement.mutate({ productId: kept.id });
	const company = await portal.company({ admin: portal.admin });
	const application = await portal.application(company);
	const plan = await createPlan(portal, due.id);
	const held = {
		organizationId: company.id,
		applicationId: application.id,
		productId: due.id,
		planId: plan.id
	};
	await giveAccess(portal, held);
	const own = await portal.admin.listen();
	const pages = [await portal.visitor().listen(), await company.owner.listen()];
	for (const page of [own, ...pages]) await page.hears('news true');
	const day = inDays(-1);
	await moveDay(due.id, day);
	// What fell due is looked for by each process that starts.
	const { databaseUrl, dataFolder } = portal.server;
	const second = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: databaseUrl ?? '', DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url }
	});
	onTestFinished(() => second.dispose());
	const toldOf = (id: string) =>
		own.events.filter((one) => one.name === 'product.retired' && one.payload.product.id === id);
	await own.until(() => toldOf(due.id).length > 0, 'the day is told');
	for (const page of pages) await page.hears('products');
	const [told] = toldOf(due.id);
	expect(told?.actor).toMatchObject({ kind: 'system', id: null });
	expect(told && withoutIsolates(sayEvent(told))).toBe(`retired the API product ${due.name}`);
	const get = async (productId: string) => (await products.get.query({ productId })).product;
	expect(await get(due.id)).toMatchObject({
		status: 'retired',
		retiresAt: null,
		retiredAt: day.toISOString()
	});

	// Whatever would be told twice is told again before what comes after it.
	const marker = await announce(inDays(7));
	await moveDay(marker.id, inDays(-1));
	await second.restart();
	await own.until(() => toldOf(marker.id).length > 0, 'the next one is told');
	expect(toldOf(due.id)).toHaveLength(1);
	expect([await get(later.id), await get(kept.id)]).toMatchObject([
		{ status: 'published', retiredAt: null },
		{ status: 'published', retiresAt: null }
	]);
	// What was given stays, and can be given up.
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.accesses).toMatchObject([{ product: { id: due.id }, granted: { endsAt: null } }]);
});
