import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminPassword, getPortal, unique, type Portal, type Visitor } from '../factories.ts';
import { createKeyOf, forward } from '../gateways.ts';
import { getBrowser, openAs } from './browser.ts';

/** A portal admin sets a gateway up, and a colleague sees it happen. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

test('a gateway is added with a token that is shown once, tried, rotated and revoked; the colleague’s list follows', async () => {
	const colleague = portal.visitor();
	await colleague.api.sessions.create.mutate({ email: 'admin@example.test', password: adminPassword });
	const [one, other] = [await open(portal.admin, '/admin'), await open(colleague, '/admin/gateways')];
	const { page } = one;
	const name = unique('Edge');
	await page.getByRole('link', { name: 'Gateways' }).click();
	await page.getByRole('button', { name: /^Add/ }).first().click();
	await page.getByLabel('Name', { exact: true }).fill(name);
	await page.getByLabel('Program').selectOption('caddy');
	await page.getByText('addresses end up in the logs').waitFor();
	await page.getByRole('button', { name: 'Add the gateway' }).click();

	// The lines are filled with the portal's address, and with the token as long as it is shown.
	await page.getByRole('heading', { name, level: 1 }).waitFor();
	const token = (await page.locator('[data-token]').textContent()) ?? '';
	expect(token).toMatch(/^pgw_[\w-]{43}$/);
	const lines = page.locator('[data-lines]');
	expect(await lines.textContent()).toContain(portal.server.origin);
	expect(await lines.textContent()).toContain(token);
	const row = other.page.locator('[data-gateway]').filter({ hasText: name });
	await row.getByText('never used').waitFor();

	const company = await portal.company({ admin: portal.admin });
	const { place, secret } = await createKeyOf(company);
	expect((await forward(portal.server.origin, token, { 'x-api-key': secret })).status).toBe(200);
	await row.getByText('last used').waitFor();
	await page
		.getByText(/last used/)
		.first()
		.waitFor();

	const tryKey = async (key: string) => {
		await page.getByLabel('Key', { exact: true }).fill(key);
		await page.getByRole('button', { name: 'Check the key' }).click();
	};
	await tryKey(secret);
	await page.getByText('This key works.').waitFor();
	await page.getByText(company.name, { exact: true }).waitFor();
	await company.owner.api.credentials.revoke.mutate(place);
	await tryKey(secret);
	await page.getByText('This key has been revoked.').waitFor();

	await page.reload();
	await page.getByText('TOKEN-OF-THIS-GATEWAY').first().waitFor();
	expect(await page.content()).not.toContain(token);
	await page.getByRole('button', { name: 'Rotate the token' }).click();
	await page.getByRole('button', { name: 'Rotate', exact: true }).click();
	await page.locator('[data-token]').waitFor();
	expect(await page.locator('[data-token]').textContent()).not.toBe(token);
	await page.getByText('stops working').waitFor();

	await page.getByRole('button', { name: 'Edit' }).click();
	await page.getByLabel('Program').selectOption('nginx');
	await page.getByRole('button', { name: 'Save' }).click();
	await page.getByRole('heading', { name: 'Lines for nginx' }).waitFor();
	await row.getByText('nginx').waitFor();

	await page.getByRole('button', { name: 'Revoke', exact: true }).click();
	await page.getByRole('button', { name: `Revoke ${name}` }).click();
	await page.getByText('lets nobody in').first().waitFor();
	await other.page.getByRole('heading', { name: 'Revoked' }).waitFor();
	await row.getByText('Revoked', { exact: true }).waitFor();
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await one.close();
	await other.close();
});
