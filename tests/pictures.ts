import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launchBrowser, newPerson } from './e2e/browser.ts';
import { startServer } from './harness.ts';

/** `npm run pictures`: the pictures in docs/, taken of the demo as somebody sees it who has just signed in. */

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const password = 'portico demo';

const pictures: { name: string; who: string; path: string; isDark?: true }[] = [
	{ name: 'dashboard', who: 'grace@northwind.example', path: '/orgs/northwind-logistics' },
	{ name: 'members', who: 'grace@northwind.example', path: '/orgs/northwind-logistics/users' },
	{ name: 'application', who: 'grace@northwind.example', path: '/orgs/northwind-logistics/applications' },
	{ name: 'usage', who: 'grace@northwind.example', path: '/orgs/northwind-logistics/usage' },
	{ name: 'overview', who: 'ada@provider.example', path: '/admin' },
	{ name: 'organizations', who: 'ada@provider.example', path: '/admin/organizations' },
	{ name: 'organization', who: 'ada@provider.example', path: '/admin/organizations', isDark: true },
	{ name: 'users', who: 'ada@provider.example', path: '/admin/users' },
	{ name: 'gateway', who: 'ada@provider.example', path: '/admin/gateways' },
	{ name: 'activity', who: 'ada@provider.example', path: '/admin/activity' },
	{ name: 'settings', who: 'ada@provider.example', path: '/admin/settings/general' }
];

const server = await startServer({ database: 'pglite', args: ['--demo'] });
const browser = await launchBrowser();
try {
	for (const { name, who, path, isDark } of pictures) {
		const { page, close } = await newPerson(browser, server.origin);
		await page.setViewportSize({ width: 1400, height: 900 });
		await page.emulateMedia({ colorScheme: isDark ? 'dark' : 'light', reducedMotion: 'reduce' });
		await page.goto(`/login?next=${encodeURIComponent(path)}`);
		await page.getByLabel('E-mail').fill(who);
		await page.getByLabel('Password', { exact: true }).fill(password);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.waitForURL((url) => url.pathname === path);
		if (name === 'organization') {
			await page.getByRole('link', { name: 'Borealis Shipping' }).first().click();
			await page.getByRole('heading', { name: 'Borealis Shipping' }).waitFor();
		}
		if (name === 'application') {
			await page.getByRole('link', { name: 'Parcel tracking' }).first().click();
			await page.getByTestId('usage-total').waitFor();
			await page.locator('svg rect').first().waitFor();
		}
		if (name === 'gateway') {
			await page.getByRole('button', { name: 'Add a gateway' }).click();
			await page.getByLabel('Name', { exact: true }).fill('Edge');
			await page.getByRole('button', { name: 'Add the gateway' }).click();
			await page.getByRole('heading', { name: 'Try it' }).waitFor();
			// Without its token, which is shown once.
			await page.reload();
			await page.getByRole('heading', { name: 'Try it' }).waitFor();
		}
		await page.getByText('Live', { exact: true }).waitFor();
		await page.screenshot({ path: `${docs}${name}.png` });
		await close();
		console.log(`docs/${name}.png`);
	}
} finally {
	await browser.close();
	await server.dispose();
	await rm(server.dataFolder, { recursive: true, force: true });
}
