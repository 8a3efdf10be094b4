import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, type Company, type Portal, type Visitor } from '../factories.ts';
import { createGateway } from '../gateways.ts';
import { insertProduct, type Offered } from '../offers.ts';
import { planValues } from '../products.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** Access to an API product, from the request to the end: each step is on the others’ pages without a reload. */

let browser: Browser;
let portal: Portal;
let company: Company;
let product: Offered;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	company = await portal.company({ admin: portal.admin });
	const plans = [
		{ name: 'Trial', approval: 'automatic' as const, perSecond: 5, perMonth: 1000 },
		{ name: 'Business', perSecond: 100, credentialDays: 60 }
	];
	product = await insertProduct(portal, { for: [company], plans });
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

test('is asked for, rejected, asked for again, approved, ended and kept', async () => {
	const member = await portal.member(company);
	const stranger = await portal.company({ admin: portal.admin });
	const base = `/orgs/${company.slug}`;
	const asking = `/apis/${product.slug}/access`;
	const name = unique('Parcels');

	const outside = await newPerson(browser, portal.server.origin, {
		as: stranger.owner.jar && stranger.owner
	});
	outside.forgive(/404/);
	await outside.page.goto(asking);
	await outside.page
		.getByRole('heading', { name: 'Not found' })
		.or(outside.page.getByText('404'))
		.first()
		.waitFor();
	expect(await outside.page.content()).not.toContain(product.name);

	const [admin, lead, team] = [
		await open(portal.admin, `/admin/access?organization=${company.id}`),
		await open(company.owner, base),
		await open(member, asking)
	];
	const provider = admin.page.getByRole('main');
	await provider.getByText('Nothing found').or(provider.locator('[data-request]').first()).waitFor();

	// A Team member asks, for an application that isn’t there yet.
	await team.page.getByLabel('Name of the new application').fill(name);
	await team.page.getByLabel('Business').check();
	await team.page.getByLabel('Message').fill('We show customers where their parcel is.');
	await team.page.getByRole('button', { name: 'Send the request' }).click();
	const card = team.page.locator(`[data-product="${product.slug}"]`);
	await card.getByText('Pending', { exact: true }).waitFor();
	await lead.page.getByRole('heading', { name: 'Access that waits' }).waitFor();
	await lead.page.getByRole('link', { name: `${name} → ${product.name}` }).waitFor();
	const row = provider.locator('[data-request]').filter({ hasText: name });
	await row.getByText('“We show customers where their parcel is.”').waitFor();
	await row.getByText(company.name).waitFor();
	const nav = admin.page.getByRole('navigation', { name: 'Portal administration' }).first();
	await nav.getByRole('link', { name: /^Access requests\s*\d+$/ }).waitFor();

	// The provider rejects it with a reason, which the team reads where it asked.
	await row.getByRole('button', { name: /^Reject/ }).click();
	const dialog = admin.page.getByRole('dialog');
	await dialog.getByLabel('Reason').fill('Please say how many parcels a day.');
	await dialog.getByRole('button', { name: 'Reject the request' }).click();
	await card.getByText('“Please say how many parcels a day.”').waitFor();
	await card.getByText('Rejected', { exact: true }).waitFor();
	await lead.page.getByRole('heading', { name: 'Access that waits' }).waitFor({ state: 'detached' });

	await card.getByRole('link', { name: `Ask again for ${product.name}` }).click();
	await team.page.getByLabel('Business').check();
	await team.page.getByLabel('Message').fill('About 4,000 parcels a day.');
	await team.page.getByRole('button', { name: 'Send the request' }).click();
	await card.getByText('Pending', { exact: true }).waitFor();
	await row.getByRole('button', { name: /^Approve/ }).click();
	await card.getByText('Has access', { exact: true }).waitFor();
	await card.getByText('Plan Business: 100 requests a second').waitFor();
	// Each credential says what it opens, and a new one lives no longer than the plan says.
	await team.page.getByTestId('opens').getByText(product.name).waitFor();
	await team.page.getByRole('button', { name: 'New credential' }).click();
	const lives = team.page.getByRole('dialog').getByLabel('Expires');
	await lives.waitFor();
	expect(await lives.locator('option').allTextContents()).toEqual(['In 30 days', 'In 60 days']);
	await team.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

	// An end is set, taken back, and then the team gives it up itself.
	await nav.getByRole('link', { name: /^Access requests/ }).click();
	await provider.getByRole('link', { name: 'Approved' }).click();
	const granted = provider.locator('[data-request]').filter({ hasText: name });
	await granted.getByText('In force').waitFor();
	await granted.getByRole('button', { name: /^End access/ }).click();
	await dialog.getByLabel('Reason').fill('The contract ends.');
	await dialog.getByRole('button', { name: 'Set the end' }).click();
	await card.getByText(/^Ends on \d{4}-\d\d-\d\d$/).waitFor();
	await card.getByText('“The contract ends.”').waitFor();
	await granted.getByRole('button', { name: /^Keep/ }).click();
	await card.getByText('Has access', { exact: true }).waitFor();
	await card.getByRole('button', { name: `End access to ${product.name}` }).click();
	await team.page.getByRole('button', { name: 'End access now' }).click();
	await card.getByText('Ended', { exact: true }).waitFor();
	await granted.getByText('Ended', { exact: true }).waitFor();

	// What the Super admins keep to themselves goes from the others’ pages.
	await lead.page.goto(`${base}/settings`);
	await lead.page.getByLabel('Only Super admins ask for access to APIs').check();
	await card.getByRole('link', { name: `Ask again for ${product.name}` }).waitFor({ state: 'detached' });
	await lead.page.getByLabel('Only Super admins ask for access to APIs').uncheck();
	await card.getByRole('link', { name: `Ask again for ${product.name}` }).waitFor();

	for (const one of [admin, lead, team, outside]) {
		expect(one.complaints).toEqual([]);
		await one.close();
	}
});

test('several requests are decided at once, and one that somebody else has decided says so', async () => {
	const applications = [];
	for (let count = 0; count < 3; count++) {
		const application = await portal.application(company);
		await company.owner.api.accesses.request.mutate({
			organizationId: company.id,
			applicationId: application.id,
			product: product.slug,
			planId: product.plans.Business ?? ''
		});
		applications.push(application);
	}
	const { page, ...admin } = await open(portal.admin, `/admin/access?organization=${company.id}`);
	await page.getByRole('link', { name: new RegExp(`^Organization: ${company.name}`) }).waitFor();
	await page.getByLabel(`Select ${applications[0]?.name ?? ''}`).check();
	await page.getByRole('button', { name: 'Select all shown' }).click();
	await page.getByText('3 requests selected').waitFor();
	const lead = await open(company.owner, `/apis/${product.slug}`);
	const mine = lead.page.locator('li', { hasText: applications[0]?.name ?? '' });
	await mine.getByText('Pending', { exact: true }).waitFor();
	await lead.page.getByRole('link', { name: 'Get access by the plan Trial' }).waitFor();
	await page.getByRole('button', { name: 'Approve 3 requests' }).click();
	// What is said goes by itself.
	await page.getByText('3 requests approved').waitFor();
	await mine.getByText('Has access', { exact: true }).waitFor();
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	const ids = new Set(applications.map(({ id }) => id));
	const granted = snapshot.accesses.filter((one) => ids.has(one.applicationId));
	expect(granted.map(({ request }) => request?.status)).toEqual(['approved', 'approved', 'approved']);
	await page.getByText('Nothing found').waitFor();
	expect([...admin.complaints, ...lead.complaints]).toEqual([]);
	await Promise.all([admin.close(), lead.close()]);
});

test('can be asked for without a script, with what is wrong at its field', async () => {
	const person = await newPerson(browser, portal.server.origin, { as: company.owner, hasScript: false });
	const { page } = person;
	await page.goto(`/apis/${product.slug}/access?plan=${product.plans.Trial ?? ''}`);
	await page.getByLabel('Application', { exact: true }).selectOption(`${company.id}:new`);
	await page.getByRole('button', { name: 'Get access' }).click();
	await page.getByText('The application name is missing.').waitFor();
	const name = unique('Plain');
	await page.getByLabel('Name of the new application').fill(name);
	await page.getByRole('button', { name: 'Get access' }).click();
	await page.getByRole('heading', { name }).waitFor();
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.accesses.find((one) => one.applicationName === name)).toMatchObject({
		granted: { plan: { name: 'Trial' } }
	});
	await person.close();
});

test('a product that is called otherwise from now on is, on every open page that names it', async () => {
	const renamed = await insertProduct(portal, { for: [company] });
	const asked = await portal.application(company);
	await company.owner.api.accesses.request.mutate({
		organizationId: company.id,
		applicationId: asked.id,
		product: renamed.slug,
		planId: renamed.plans.Business ?? ''
	});
	const { gateway } = await createGateway(portal);
	const productId = renamed.id;
	await portal.admin.api.products.serve.mutate({ productId, gatewayId: gateway.id, isServing: true });
	const base = `/orgs/${company.slug}`;
	const people = await Promise.all([
		open(company.owner, base),
		open(company.owner, `${base}/applications/${asked.id}`),
		open(company.owner, `/apis/${renamed.slug}/access`),
		open(company.owner, '/apis'),
		open(portal.admin, '/admin/access'),
		open(portal.admin, '/admin/products'),
		open(portal.admin, `/admin/gateways/${gateway.id}`)
	]);
	const says = (name: string) =>
		Promise.all(people.map(({ page }) => page.getByRole('main').getByText(name).first().waitFor()));
	await says(renamed.name);
	// Early in the catalogue, where its first page has it whatever other files have left there.
	const name = unique('AA otherwise');
	await portal.admin.api.products.update.mutate({ productId, name });
	await says(name);
	await people[0]?.page.getByRole('link', { name: `${asked.name} → ${name}` }).waitFor();
	// And so does a plan.
	const planName = unique('Plan');
	const planId = renamed.plans.Business ?? '';
	await portal.admin.api.plans.update.mutate({
		planId,
		...planValues({ name: planName, approval: 'manual' })
	});
	for (const at of [1, 2, 4]) await people[at]?.page.getByRole('main').getByText(planName).first().waitFor();
	for (const one of people) {
		// What happened under the old name is told as it was.
		if (!one.page.url().includes(base))
			expect(await one.page.getByRole('main').getByText(renamed.name).count(), one.page.url()).toBe(0);
		expect(one.complaints).toEqual([]);
		await one.close();
	}
});

test('the form follows who may ask, and what the team has asked for, and keeps what is typed', async () => {
	const place = await portal.company({ admin: portal.admin });
	const member = await portal.member(place);
	const offered = await insertProduct(portal);
	const organizationId = place.id;
	const { api } = place.owner;
	const form = await open(member, `/apis/${offered.slug}/access`);
	const about = await open(member, `/apis/${offered.slug}`);
	const toAsk = about.page.getByRole('link', { name: /^Get access by the plan/ });
	await toAsk.first().waitFor();
	const typed = [form.page.getByLabel('Name of the new application'), form.page.getByLabel('Message')];
	for (const field of typed) await field.fill('Typed by hand');

	await api.organizations.configure.mutate({ organizationId, isAccessRestricted: true });
	await form.page.getByText('this is not yours to ask for').waitFor();
	await toAsk.first().waitFor({ state: 'detached' });
	await api.organizations.configure.mutate({ organizationId, isAccessRestricted: false });
	await toAsk.first().waitFor();
	for (const field of typed) {
		await field.waitFor();
		expect(await field.inputValue()).toBe('Typed by hand');
	}

	const { id } = await api.applications.create.mutate({ organizationId, name: unique('Made elsewhere') });
	const choice = form.page.getByLabel('Application', { exact: true });
	await choice.locator(`option[value="${organizationId}:${id}"]`).waitFor({ state: 'attached' });
	expect(await choice.inputValue()).toBe(`${organizationId}:new`);
	for (const field of typed) expect(await field.inputValue()).toBe('Typed by hand');

	await portal.admin.api.organizations.suspend.mutate({ organizationId });
	await toAsk.first().waitFor({ state: 'detached' });
	expect([...form.complaints, ...about.complaints]).toEqual([]);
	await Promise.all([form, about].map((one) => one.close()));
});

/** An application of the company that has access by the plan “Trial”, or has asked for “Business”. */
async function having(plan: 'Trial' | 'Business', offered = product) {
	const application = await portal.application(company);
	const access = await company.owner.api.accesses.request.mutate({
		organizationId: company.id,
		applicationId: application.id,
		product: offered.slug,
		planId: offered.plans[plan] ?? ''
	});
	return { application, access };
}

test('what is written in a dialog stays when somebody else decides, and it says who did', async () => {
	const { application, access } = await having('Business');
	const requestId = access.request?.id ?? '';
	const { page, complaints, forgive, close } = await open(
		portal.admin,
		`/admin/access?organization=${company.id}`
	);
	forgive(/409/);
	const row = page.locator(`[data-request="${requestId}"]`);
	await row.getByRole('button', { name: /^Reject/ }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Reason').fill('Too many parcels.');
	await portal.admin.api.accesses.approve.mutate({ requestId });
	await dialog.getByText(/^This request is approved already by .+ at \d{4}-.+ UTC\.$/).waitFor();
	await row.waitFor({ state: 'detached' });
	expect(await dialog.getByLabel('Reason').inputValue()).toBe('Too many parcels.');
	await dialog.getByRole('button', { name: 'Reject the request' }).click();
	await dialog.locator('[aria-invalid="true"]').waitFor();
	expect(await dialog.getByLabel('Reason').inputValue()).toBe('Too many parcels.');
	await dialog.getByRole('button', { name: 'Cancel' }).click();

	// The list follows what becomes of the application.
	const ofProduct = await open(portal.admin, `/admin/products/${product.id}`);
	const link = ofProduct.page.getByRole('link', { name: /applications? ha(s|ve) access$/ });
	await link.click();
	await ofProduct.page.getByRole('link', { name: new RegExp(`^API product: ${product.name}`) }).waitFor();
	const granted = ofProduct.page.locator(`[data-request="${requestId}"]`);
	await granted.getByText('In force').waitFor();
	const name = unique('Renamed');
	const place = { organizationId: company.id, applicationId: application.id };
	await company.owner.api.applications.update.mutate({ ...place, name });
	await granted.getByText(name).waitFor();
	await company.owner.api.applications.delete.mutate(place);
	await granted.getByText('Deleted', { exact: true }).waitFor();
	expect(await granted.getByRole('button', { name: /^End access/ }).count()).toBe(0);
	for (const one of [complaints, ofProduct.complaints]) expect(one).toEqual([]);
	await ofProduct.close();
	await close();
});

test('whoever can’t get it is told why: retired, not offered any more, or not theirs to ask for', async () => {
	const offered = await insertProduct(portal, { for: [company] });
	await having('Trial', offered);
	const { page, complaints, close } = await open(company.owner, `/apis/${offered.slug}/access`);
	const main = page.getByRole('main');
	await main.getByLabel('Application', { exact: true }).waitFor();
	const { products } = portal.admin.api;
	await products.choose.mutate({ productId: offered.id, organizationId: company.id, isChosen: false });
	await main.getByText(`${offered.name} is not offered to ${company.name} any more.`).waitFor();
	expect(await main.textContent()).not.toContain('Ask a Super admin');
	await products.retire.mutate({ productId: offered.id, at: null });
	await main.getByText(`${offered.name} is retired and takes no new applications.`).waitFor();
	expect(complaints).toEqual([]);
	await close();
});
