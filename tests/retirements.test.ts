import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent } from '#lib/events.ts';
import { startPortal, type Portal } from './factories.ts';
import { startServer } from './harness.ts';
import { createPlan, giveAccess, publishProduct } from './products.ts';

/** The announced day of an API product comes. */

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

/** As if its announced day were this one. */
const moveDay = (productId: string, retiresAt: Date) =>
	portal.inDatabase((db) =>
		db.updateTable('product').set({ retiresAt }).where('id', '=', productId).execute()
	);

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
	await products.keep.mutate({ productId: kept.id });
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
