import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uniqueEmail } from '../factories.ts';
import { startServer } from '../harness.ts';
import { launchBrowser, newPerson } from './browser.ts';

/** The setup link that a fresh start prints, as the first portal admin opens it. */

let browser: Browser;
beforeAll(async () => {
	browser = await launchBrowser();
});
afterAll(() => browser.close());

test.each([true, false])(
	'the setup link makes the first portal admin once, with script: %s',
	async (hasScript) => {
		await using server = await startServer({ database: 'pglite' });
		const first = await newPerson(browser, server.origin, { hasScript });
		const { page } = first;
		await page.goto(server.setupUrl ?? '');
		// The secret has left the address bar, and with it the history.
		expect(new URL(page.url()).pathname).toBe('/setup');
		const email = uniqueEmail();
		await page.getByLabel('First name').fill('Ada');
		await page.getByLabel('Last name').fill('Byron');
		await page.getByLabel('E-mail').fill(email);
		await page.getByLabel('Password', { exact: true }).fill('short');
		await page.getByRole('button', { name: 'Set up the portal' }).click();
		await page.getByText('The password needs at least 10 characters.').waitFor();
		expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
		await page.getByLabel('Password', { exact: true }).fill('a long enough password');
		await page.getByRole('button', { name: 'Set up the portal' }).click();
		await page.getByRole('heading', { name: 'Overview' }).waitFor();

		const second = await newPerson(browser, server.origin, { hasScript });
		await second.page.goto(server.setupUrl ?? '');
		await second.page.getByRole('heading', { name: 'This setup link is not valid' }).waitFor();
		first.forgive(/400/);
		expect([...first.complaints, ...second.complaints]).toEqual([]);
		await Promise.all([first.close(), second.close()]);
	}
);
