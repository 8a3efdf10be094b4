import type { Browser } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { uniqueEmail } from '../factories.ts';
import { startServer } from '../harness.ts';
import { getBrowser, newPerson } from './browser.ts';

/** The setup link that a fresh start prints, as the first portal admin opens it. */

let browser: Browser;
beforeAll(async () => {
	browser = await getBrowser();
});

test.each([
	{ hasScript: true, database: 'pglite' },
	{ hasScript: false, database: 'postgres' }
] as const)(
	'the setup link makes the first portal admin once, with script: $hasScript',
	async ({ hasScript, database }) => {
		await using server = await startServer({ database });
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
