import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, type Portal } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

/** Whoever has asked for an organization: where they find the request, and what they can do after a rejection. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

test('a pending request is found from the personal space and by “Dashboard”; a rejected one leads on', async () => {
	const company = await portal.company();
	const person = await openAs(browser, portal.server.origin, company.owner, '/dashboard/personal');
	const { page } = person;
	const main = page.getByRole('main');
	const create = page.getByRole('banner').getByRole('link', { name: 'Create an organization' });
	await main.getByText(`Your request for ${company.name} is pending.`).waitFor();
	expect(await create.count()).toBe(0);
	await main.getByRole('link', { name: 'See the request' }).click();
	await page.getByRole('heading', { name: `Your request for ${company.name} is pending` }).waitFor();
	await page.getByRole('link', { name: 'Go to your personal space' }).click();
	await page.getByRole('heading', { name: 'Your personal space' }).waitFor();
	await page.getByRole('link', { name: /, dashboard$/ }).click();
	await page.getByRole('heading', { name: `Your request for ${company.name} is pending` }).waitFor();

	// In the personal space when it is decided: the page says so by itself.
	await page.getByRole('link', { name: 'Go to your personal space' }).click();
	await page.getByRole('heading', { name: 'Your personal space' }).waitFor();
	await portal.admin.api.organizations.reject.mutate({ organizationId: company.id, reason: 'Not found.' });
	await main.getByText(`${company.name} was not approved.`).waitFor();
	await create.waitFor();
	await page.getByRole('link', { name: /, dashboard$/ }).click();
	await page.getByRole('heading', { name: `${company.name} was not approved` }).waitFor();
	await create.click();
	// The page of the rejected request has a field of the same name.
	await page.getByRole('heading', { name: 'Create an organization' }).waitFor();
	const name = unique('Second try');
	await page.getByLabel('Organization name').fill(name);
	await page.getByRole('button', { name: 'Send the request' }).click();
	await page.getByRole('heading', { name: `Your request for ${name} is pending` }).waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});
