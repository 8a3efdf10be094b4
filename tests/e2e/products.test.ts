import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminPassword, getPortal, unique, type Portal, type Visitor } from '../factories.ts';
import { createGateway } from '../gateways.ts';
import { createPlan, publishProduct } from '../products.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** A portal admin offers an API product; whoever may see it has it on the open page, and nobody else. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).click();
/** The button of an open dialog, whose name the page has as well. */
const confirm = (page: Page, name: string) =>
	page.getByRole('alertdialog').getByRole('button', { name, exact: true }).click();

test('a product is made, published to one organization, shown to everybody, changed and retired; open pages follow', async () => {
	const colleague = portal.visitor();
	await colleague.api.sessions.create.mutate({ email: 'admin@example.test', password: adminPassword });
	const company = await portal.company({ admin: portal.admin });
	const other = await portal.company({ admin: portal.admin });
	const [name, planName] = [unique('Parcel API'), unique('Standard')];
	const slug = name.toLowerCase().replaceAll(' ', '-');
	const path = `/apis?search=${encodeURIComponent(name)}`;
	const admin = await open(portal.admin, '/admin');
	const second = await open(colleague, '/admin/products');
	const member = await open(company.owner, path);
	const stranger = await open(other.owner, path);
	const visitor = await newPerson(browser, portal.server.origin);
	await visitor.page.goto(path);
	const people = [admin, second, member, stranger, visitor];
	// None of them is loaded again by anybody: a mark in each document stays there.
	for (const { page } of people.slice(1))
		await page.evaluate(() => document.documentElement.setAttribute('data-kept', 'yes'));
	const isKept = ({ page }: { page: Page }) =>
		page.evaluate(() => document.documentElement.getAttribute('data-kept'));

	const { page } = admin;
	await page.getByRole('link', { name: 'API products' }).click();
	await page.getByRole('button', { name: /^Add/ }).first().click();
	await page.getByLabel('Name', { exact: true }).fill(name);
	expect(await page.getByLabel('Address', { exact: true }).inputValue()).toBe(slug);
	await page.getByLabel('In one line').fill('Where a parcel is.');
	await page.getByLabel('Contact').fill('apis@provider.example');
	await press(page, 'Add the draft');
	await page.getByRole('heading', { name, level: 1 }).waitFor();
	const row = second.page.locator('[data-product]').filter({ hasText: name });
	await row.getByText('Draft').waitFor();

	await press(page, 'Write the description');
	await page.getByLabel('Text').fill('# How to begin\n\n<b>raw</b> and **bold**');
	await press(page, 'Preview');
	await page.locator('[data-preview]').getByRole('heading', { name: 'How to begin', level: 3 }).waitFor();
	expect(await page.locator('[data-preview]').textContent()).toContain('<b>raw</b> and bold');
	await press(page, 'Save');
	await page.locator('[data-preview]').waitFor({ state: 'detached' });

	await press(page, 'Add a plan');
	await page.getByLabel('Name', { exact: true }).fill(planName);
	await page.getByLabel('Requests a second').fill('10');
	await page.getByLabel('Requests a month').fill('1,000');
	await press(page, 'Add the plan');
	await page.getByText('10 requests a second, 1,000 a month').waitFor();

	await page.getByLabel('Choose an organization').fill(company.name);
	await page.getByRole('option', { name: company.name }).click();
	await page.locator('[data-audience]').getByText(company.name).waitFor();
	await press(page, 'Publish');
	await confirm(page, 'Publish');
	await row.getByText('Published').waitFor();

	// The one organization sees it arrive, others don't.
	const card = (one: { page: Page }) => one.page.locator(`[data-product="${slug}"]`);
	await card(member).waitFor();
	for (const one of [stranger, visitor]) expect(await card(one).count()).toBe(0);
	await card(member).getByRole('link').click();
	await member.page.getByRole('heading', { name: 'How to begin' }).waitFor();
	const plan = member.page.locator('[data-plan]').filter({ hasText: planName });
	await plan.getByText('1,000').waitFor();
	expect(await member.page.getByRole('link', { name: 'Sign in to get access' }).count()).toBe(0);
	stranger.forgive(/404/);
	await stranger.page.goto(`/apis/${slug}`);
	await stranger.page.getByText('There is nothing here').first().waitFor();
	expect(await stranger.page.content()).not.toContain(planName);

	await press(page, `Edit ${planName}`);
	await page.getByLabel('Requests a month').fill('2500');
	await press(page, 'Save');
	await plan.getByText('2,500').waitFor();

	await press(page, 'Edit');
	await page.getByLabel('Who sees it').selectOption('everyone');
	await press(page, 'Save');
	await card(visitor).waitFor();
	await card(visitor).getByRole('link').click();
	await visitor.page.getByRole('heading', { name, level: 1 }).waitFor();
	const signIn = visitor.page.getByRole('link', { name: 'Sign in to get access' });
	expect(await signIn.getAttribute('href')).toBe(`/login?next=${encodeURIComponent(`/apis/${slug}`)}`);
	expect(await visitor.page.title()).toContain(name);

	await press(page, 'Retire');
	await press(page, 'Announce it');
	const announced = visitor.page.getByText('This API will be retired on');
	await announced.waitFor();
	await press(page, 'Take it back');
	await announced.waitFor({ state: 'detached' });

	await press(page, `Close ${planName}`);
	await visitor.page.getByText('There is no plan at the moment').waitFor();

	for (const one of [visitor, member]) one.forgive(/404/);
	await press(page, 'Retire');
	await page.getByLabel('When').selectOption('now');
	await press(page, 'Retire now');
	await row.getByText('Retired').waitFor();
	for (const one of [visitor, member]) await one.page.getByText('There is nothing here').first().waitFor();
	for (const one of [second, member, visitor]) expect(await isKept(one)).toBe('yes');
	for (const one of people) {
		expect(one.complaints).toEqual([]);
		await one.close();
	}
});

test('a gateway’s page and a product’s page say of each other what serves what', async () => {
	const [{ gateway }, product] = [await createGateway(portal), await publishProduct(portal)];
	const [one, other] = [
		await open(portal.admin, `/admin/gateways/${gateway.id}`),
		await open(portal.admin, `/admin/products/${product.id}`)
	];
	const box = other.page.getByRole('checkbox', { name: gateway.name });
	expect(await box.isChecked()).toBe(false);
	await one.page.getByLabel('Add an API product').fill(product.name);
	await one.page.getByRole('option', { name: product.name }).click();
	await one.page.getByRole('link', { name: product.name }).waitFor();
	await expect.poll(() => box.isChecked()).toBe(true);
	await box.uncheck();
	await one.page.getByRole('link', { name: product.name }).waitFor({ state: 'detached' });
	for (const { complaints, close } of [one, other]) {
		expect(complaints).toEqual([]);
		await close();
	}
});

test('dialogs leave what they didn’t alter, and say where somebody else has changed what is altered', async () => {
	const { products, plans } = portal.admin.api;
	const { id: productId } = await publishProduct(portal, {
		visibility: 'everyone',
		description: 'As it was'
	});
	const { id: planId } = await createPlan(portal, productId, { approval: 'automatic', perMonth: 0 });
	const get = async () => (await products.get.query({ productId })).product;
	const { page, complaints, forgive, close } = await open(portal.admin, `/admin/products/${productId}`);
	forgive(/409/);
	const dialog = page.getByRole('dialog');
	const save = () => dialog.getByRole('button', { name: 'Save' }).click();

	await press(page, 'Edit');
	await dialog.getByLabel('In one line').fill('Where a parcel is.');
	await products.update.mutate({ productId, visibility: 'organizations', contact: 'them@example.test' });
	// Known to the page, which shows it where nothing was altered.
	await expect.poll(() => dialog.getByLabel('Contact').inputValue()).toBe('them@example.test');
	await save();
	await dialog.waitFor({ state: 'detached' });
	expect(await get()).toMatchObject({ visibility: 'organizations', summary: 'Where a parcel is.' });

	await press(page, 'Edit');
	await dialog.getByLabel('In one line').fill('Mine');
	await products.update.mutate({ productId, summary: 'Theirs' });
	await save();
	await dialog.getByText(/now it is .Theirs.. Save again/).waitFor();
	expect(await dialog.getByLabel('In one line').inputValue()).toBe('Mine');
	expect(await get()).toMatchObject({ summary: 'Theirs' });
	await save();
	await dialog.waitFor({ state: 'detached' });
	expect(await get()).toMatchObject({ summary: 'Mine' });

	await page.locator(`[data-plan="${planId}"]`).getByRole('button', { name: /^Edit/ }).click();
	await dialog.getByLabel('Text').fill('For everybody');
	await dialog.getByLabel('Requests a second').fill('20');
	await plans.update.mutate({ planId, approval: 'manual', perMonth: 5000, perSecond: 30 });
	await expect.poll(() => dialog.getByLabel('Requests a month').inputValue()).toBe('5000');
	await save();
	await dialog.getByText('now it is 30. Save again').waitFor();
	await save();
	await dialog.waitFor({ state: 'detached' });
	expect((await get()).plans).toMatchObject([
		{ approval: 'manual', perMonth: 5000, perSecond: 20, text: 'For everybody' }
	]);

	await press(page, 'Edit the description');
	await page.getByLabel('Text').fill('What I write');
	await products.update.mutate({ productId, description: 'What **they** wrote' });
	await page.getByText('What somebody else has saved meanwhile').click();
	await page.getByText('What they wrote').waitFor();
	await press(page, 'Save');
	await page.getByText(/now it is .What \*\*they\*\* wrote/).waitFor();
	expect(await page.getByLabel('Text').inputValue()).toBe('What I write');
	await press(page, 'Save');
	await page.getByLabel('Text').waitFor({ state: 'detached' });
	expect(await get()).toMatchObject({ description: 'What I write' });
	expect(complaints).toEqual([]);
	await close();
});
