import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPortal, type Portal } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

/** What a page loads later than itself: pressed before it has come, and not to be had. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const manifest = new URL('../../.svelte-kit/output/client/.vite/manifest.json', import.meta.url);

/** Holds a part back from now on; `release` lets it through, `refuse` answers as a portal that no longer has it. */
async function holdBack(page: Page, part: string) {
	const files = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, { file: string } | undefined>;
	const file = files[part]?.file ?? '';
	expect(file).not.toBe('');
	const verdict = Promise.withResolvers<'release' | 'refuse'>();
	let isRefused = false;
	await page.route(`**/${file}`, async (route) => {
		if (isRefused || (await verdict.promise) === 'refuse') await route.fulfill({ status: 404, body: '' });
		else await route.continue();
	});
	return {
		release: () => verdict.resolve('release'),
		refuse() {
			isRefused = true;
			verdict.resolve('refuse');
		},
		bringBack: () => page.unroute(`**/${file}`)
	};
}

async function openHeldBack(part: string, path = '', options: { hasTouch?: boolean } = {}) {
	const company = await portal.company({ admin: portal.admin });
	let held: Awaited<ReturnType<typeof holdBack>> | undefined;
	const person = await openAs(browser, portal.server.origin, company.owner, `/orgs/${company.slug}${path}`, {
		...options,
		prepare: async (page) => void (held = await holdBack(page, part))
	});
	if (!held) throw new Error('Nothing was held back');
	return { ...person, ...held, company };
}

describe('a press is kept until what it opens has come', () => {
	const menu = 'lib/components/MenuFrame.svelte';

	test.each(['mouse', 'finger'])('of a %s, on a menu', async (what) => {
		const { page, release, complaints, close } = await openHeldBack(menu, '', {
			hasTouch: what === 'finger'
		});
		const button = page.getByRole('button', { name: /^Account of/ });
		await (what === 'finger' ? button.tap() : button.click());
		expect(await page.getByRole('menu').count()).toBe(0);
		release();
		await page.getByRole('menuitem', { name: 'Profile' }).waitFor();
		// Once more it opens by itself, and closes.
		await page.keyboard.press('Escape');
		await page.getByRole('menu').waitFor({ state: 'hidden' });
		await (what === 'finger' ? button.tap() : button.click());
		await page.getByRole('menuitem', { name: 'Profile' }).click();
		await page.waitForURL('**/profile');
		expect(complaints).toEqual([]);
		await close();
	});

	test.each(['Enter', 'ArrowDown'])('of %s, on a menu, whose first entry is marked', async (key) => {
		const { page, release, complaints, close } = await openHeldBack(menu);
		await page.getByRole('button', { name: /^Account of/ }).focus();
		await page.keyboard.press(key);
		release();
		await page.getByRole('menu').waitFor();
		await expect.poll(() => page.locator('[role="menuitem"]:focus').innerText()).toBe('Dashboard');
		await page.keyboard.press('Escape');
		await expect.poll(() => page.locator('button:focus').innerText()).toMatch(/Account of/);
		expect(complaints).toEqual([]);
		await close();
	});

	test.each(['mouse', 'key', 'finger'])('of a %s, on the switcher, which is typed into', async (what) => {
		const { page, release, company, complaints, close } = await openHeldBack(
			'lib/components/SwitcherFrame.svelte',
			'',
			{ hasTouch: what === 'finger' }
		);
		const button = page.getByRole('button', { name: /^Switch from/ });
		if (what === 'mouse') await button.click();
		else if (what === 'finger') await button.tap();
		else await button.press('Enter');
		release();
		const field = page.getByLabel('Find an organization').last();
		await field.waitFor();
		await expect.poll(() => field.evaluate((one) => one === document.activeElement)).toBe(true);
		await page.keyboard.type(company.name);
		await page.keyboard.press('Escape');
		await field.waitFor({ state: 'hidden' });
		expect(complaints).toEqual([]);
		await close();
	});
});

describe('what can’t be had is said, and comes with the page that is loaded again', () => {
	const parts = [
		{ part: 'lib/components/MenuFrame.svelte', path: '', opens: /^Account of/, shows: 'menu' },
		{ part: 'lib/components/SwitcherFrame.svelte', path: '', opens: /^Switch from/, shows: 'listbox' },
		{
			part: 'routes/orgs/[slug]/users/InviteDialog.svelte',
			path: '/users',
			opens: 'Invite new user',
			shows: 'dialog'
		},
		{
			part: 'lib/components/DialogFrame.svelte',
			path: '/applications',
			opens: /application/,
			shows: 'dialog'
		}
	] as const;

	test.each(parts)('$part', async ({ part, path, opens, shows }) => {
		const { page, refuse, bringBack, forgive, complaints, close } = await openHeldBack(part, path);
		forgive(/404|Failed to fetch dynamically imported module/);
		refuse();
		const button = page.getByRole('button', { name: opens }).first();
		await button.click();
		await page.getByText('A part of this page could not be loaded.').waitFor();
		expect(await page.getByRole(shows).count()).toBe(0);
		await bringBack();
		await page.getByRole('button', { name: 'Load the page again' }).click();
		await page.getByText('A part of this page could not be loaded.').waitFor({ state: 'hidden' });
		await page.getByText('Live', { exact: true }).waitFor();
		await button.click();
		await page.getByRole(shows).waitFor();
		expect(complaints).toEqual([]);
		await close();
	});

	test('news that could not be shown yet are shown when they can', async () => {
		const { page, release, company, complaints, close } = await openHeldBack(
			'lib/components/Toaster.svelte',
			'/settings'
		);
		await page.getByLabel('Organization name').fill(`${company.name} North`);
		await page.getByRole('button', { name: 'Rename' }).click();
		await page.getByRole('button', { name: `Switch from ${company.name} North` }).waitFor();
		expect(await page.locator('[data-sonner-toast]').count()).toBe(0);
		release();
		await page.locator('[data-sonner-toast]').first().waitFor();
		expect(complaints).toEqual([]);
		await close();
	});
});
