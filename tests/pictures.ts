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
	{ name: 'overview', who: 'ada@provider.example', path: '/admin' },
	{ name: 'organizations', who: 'ada@provider.example', path: '/admin/organizations' },
	{ name: 'organization', who: 'ada@provider.example', path: '/admin/organizations', isDark: true },
	{ name: 'users', who: 'ada@provider.example', path: '/admin/users' },
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
