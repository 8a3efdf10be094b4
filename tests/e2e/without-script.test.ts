import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, password, unique, uniqueEmail, type Portal } from '../factories.ts';
import { createGateway, createKeyOf } from '../gateways.ts';
import { insertProduct } from '../offers.ts';
import { getBrowser, newPerson, type Person } from './browser.ts';

/** Forms are used before a page's script has loaded: they have to work as plain forms, words and all. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const plain = () => newPerson(browser, portal.server.origin, { hasScript: false });
const isPersonalSpace = ({ page }: Person) =>
	page.getByRole('heading', { name: 'Your personal space' }).waitFor();

test('register, confirm the address, sign out and sign in', async () => {
	const person = await plain();
	const { page } = person;
	const email = uniqueEmail();
	await page.goto('/register');
	await page.getByLabel('First name').fill('Grace');
	await page.getByLabel('Last name').fill('Okafor');
	await page.getByLabel('E-mail').fill('not an address');
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Register' }).click();
	await page.getByText('This is not an e-mail address that mail can be sent to.').waitFor();
	expect(await page.getByLabel('First name').inputValue()).toBe('Grace');
	expect(await page.content()).not.toContain(password);
	await page.getByLabel('E-mail').fill(email);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Register' }).click();
	await isPersonalSpace(person);
	await page.goto(`/verify-email/${await portal.tokenFor(email, 'verify-email')}`);
	await page.getByRole('button', { name: 'Confirm this address' }).click();
	await page.getByText(`${email} is confirmed`).waitFor();

	await page.context().clearCookies();
	await page.goto('/login?next=/organizations/new');
	await page.getByLabel('E-mail').fill(email);
	await page.getByLabel('Password', { exact: true }).fill('wrong password');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByText('The e-mail address or the password is not right.').waitFor();
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('heading', { name: 'Create an organization' }).waitFor();
	await person.close();
});

test('accept an invitation', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { token } = await portal.invitation(company);
	const person = await plain();
	const { page } = person;
	await page.goto(`/invitations/${token}`);
	expect(page.url()).toMatch(/\/invitations\?link=[0-9a-f]{16}$/);
	await page.getByLabel('Password', { exact: true }).fill('short');
	await page.getByRole('button', { name: 'Set the password and join' }).click();
	await page.getByText('The password needs at least 10 characters.').waitFor();
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Set the password and join' }).click();
	await page.getByRole('heading', { name: company.name, exact: true }).waitFor();
	await person.close();
});

test('get access to an API, and see it where the request leads and on the dashboard', async () => {
	const company = await portal.company({ admin: portal.admin });
	const product = await insertProduct(portal, { for: [company] });
	const person = await newPerson(browser, portal.server.origin, { hasScript: false, as: company.owner });
	const { page } = person;
	await page.goto(`/apis/${product.slug}/access?plan=${product.plans.Business}`);
	await page.getByLabel('Name of the new application').fill('Parcels');
	await page
		.getByRole('button', { name: 'Get access' })
		.or(page.getByRole('button', { name: 'Send' }))
		.click();
	const card = page.locator('#apis');
	await card.getByRole('heading', { name: 'APIs' }).waitFor();
	await card.getByRole('link', { name: product.name }).waitFor();
	await card.getByText('Pending', { exact: true }).waitFor();
	await page.goto(`/orgs/${company.slug}`);
	await page.getByRole('heading', { name: 'Access that waits' }).waitFor();
	await page.getByRole('link', { name: `Parcels → ${product.name}` }).waitFor();
	await person.close();
});

test('ask for an organization with an address that is not confirmed yet', async () => {
	const one = await portal.person({ isVerified: false });
	const first = await portal.tokenFor(one.email, 'verify-email');
	const person = await newPerson(browser, portal.server.origin, { hasScript: false, as: one });
	const { page } = person;
	await page.goto('/organizations/new');
	// Once on the page, where it is missing.
	await page.getByText(`we have sent a link to ${one.email}`).waitFor();
	await page.getByRole('button', { name: 'Send again' }).click();
	await page.getByText('A new link is on its way.').waitFor();
	await page.goto(`/verify-email/${await portal.tokenFor(one.email, 'verify-email', first)}`);
	await page.getByRole('button', { name: 'Confirm this address' }).click();
	await page.getByText(`${one.email} is confirmed`).waitFor();
	await page.goto('/organizations/new');
	await page.getByLabel('Organization name').waitFor();
	await person.close();
});

test('a key is tried, and nothing of it stands in the address, in the page or in a log', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { application, secret, place } = await createKeyOf(company);
	const { gateway } = await createGateway(portal);
	const person = await newPerson(browser, portal.server.origin, { hasScript: false, as: portal.admin });
	const { page } = person;
	await page.goto(`/admin/gateways/${gateway.id}`);
	const tryKey = async (key: string) => {
		await page.getByLabel('Key', { exact: true }).fill(key);
		await page.getByRole('button', { name: 'Check the key' }).click();
	};
	await tryKey('ptk_nothing');
	await page.getByText('Refused with 401').waitFor();
	await tryKey(secret);
	await page.getByText('This key works.').waitFor();
	await page.getByText(application.name, { exact: true }).waitFor();
	expect(page.url()).toBe(`${portal.server.origin}/admin/gateways/${gateway.id}`);
	expect(await page.content()).not.toContain(secret);
	await company.owner.api.credentials.revoke.mutate(place);
	await tryKey(secret);
	await page.getByText('This key has been revoked.').waitFor();
	expect(portal.server.logs).not.toContain(secret);
	await person.close();
});

test('a form with a secret that only the page’s script can send is not sent before it runs, and nothing is lost', async () => {
	const person = await newPerson(browser, portal.server.origin, { hasScript: false, as: portal.admin });
	const { page } = person;
	for (const [path, field, verb] of [
		['/profile', 'password', 'Change the password'],
		['/admin/settings/email', 'replyTo', 'Save']
	] as const) {
		await page.goto(path);
		const typed = page.locator(`[name="${field}"]`);
		await typed.fill('another-good-password');
		expect(await page.getByRole('button', { name: verb }).isDisabled()).toBe(true);
		await typed.press('Enter');
		expect([await typed.inputValue(), new URL(page.url()).pathname]).toEqual(['another-good-password', path]);
	}
	expect(portal.server.logs).not.toContain('another-good-password');
	await person.close();
});

test('a form that needs its page’s script, sent before it is there: nothing is in the address, and words say so', async () => {
	const as = portal.admin;
	const person = await newPerson(browser, portal.server.origin, { hasScript: false, as });
	person.forgive(/405/);
	const { page } = person;
	await page.goto('/admin/settings/general');
	const at = page.url();
	await page.getByLabel('Portal name', { exact: true }).fill('Typed in vain');
	const save = page.getByRole('button', { name: 'Save', exact: true }).first();
	await save.click();
	await page.getByRole('heading', { name: 'That was a moment too early' }).waitFor();
	expect(page.url()).toBe(at);
	await page.getByRole('link', { name: 'Open the page again' }).click();
	await save.waitFor();
	await person.close();
});

test('the catalogue goes on by an address', async () => {
	const mark = unique('Many');
	for (let number = 0; number < 31; number++)
		await insertProduct(portal, {
			name: `${mark} ${String(number).padStart(2, '0')}`,
			visibility: 'everyone'
		});
	const person = await plain();
	const { page } = person;
	await page.goto(`/apis?search=${encodeURIComponent(mark)}`);
	expect(await page.locator('[data-product]').count()).toBe(30);
	await page.getByRole('link', { name: 'Show more' }).click();
	await page.getByRole('link', { name: `${mark} 30` }).waitFor();
	expect(await page.locator('[data-product]').count()).toBe(1);
	expect(await page.getByRole('link', { name: 'Show more' }).count()).toBe(0);
	expect(person.complaints).toEqual([]);
	await person.close();
});
