import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Company, type Portal } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

/** Lists that answer as one types: what is typed or chosen while an answer is on its way isn't taken back by it. */

let browser: Browser;
let portal: Portal;
let company: Company;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	company = await portal.company({ admin: portal.admin });
});
afterAll(() => portal.stop());

interface List {
	path: () => string;
	/** The part of the address that is searched by, where it isn't `search`. */
	name?: string;
	/** A tab, and what it puts into the address. */
	tab?: [label: RegExp, query: string];
}

const lists: Record<string, List> = {
	organizations: { path: () => '/admin/organizations', tab: [/^Approved/, 'status=approved'] },
	users: { path: () => '/admin/users', tab: [/^Active/, 'status=active'] },
	'API products': { path: () => '/admin/products', tab: [/^Published/, 'status=published'] },
	'access requests': { path: () => '/admin/access', tab: [/^Approved/, 'status=approved'] },
	messages: { path: () => '/admin/mailbox', tab: [/^Sent/, 'state=sent'] },
	'members of an organization': { path: () => `/admin/organizations/${company.id}`, name: 'member' },
	'the catalogue': { path: () => '/apis' }
};

/** Keeps the answers to what the page asks for, until they are let go. */
async function holdAnswers(page: Page) {
	let letGo = () => {};
	const held = new Promise<void>((resolve) => (letGo = resolve));
	await page.route('**/__data.json*', async (route) => {
		await held;
		await route.fallback();
	});
	return letGo;
}

const valueIn = (url: URL, query: string) => {
	const [name = '', value] = query.split('=');
	return url.searchParams.get(name) === value;
};
const asks = (query: string) => (request: Request) => {
	const url = new URL(request.url());
	return url.pathname.endsWith('__data.json') && valueIn(url, query);
};

test.each(Object.keys(lists))('%s', async (title) => {
	const { path, name = 'search', tab } = lists[title] as List;
	const { page, complaints, close } = await openAs(
		browser,
		portal.server.origin,
		portal.admin,
		`${path()}?${name}=q`
	);
	const field = page.getByRole('searchbox');
	const isFocused = () => field.evaluate((node) => node === document.activeElement);
	await field.focus();
	await page.keyboard.press('End');

	const letGo = await holdAnswers(page);
	const asked = page.waitForRequest(asks(`${name}=qa`));
	await page.keyboard.press('a');
	await asked;
	await page.keyboard.press('b');
	letGo();
	await page.waitForURL((url) => !valueIn(url, `${name}=q`));
	await page.keyboard.press('c');
	await page.waitForURL((url) => valueIn(url, `${name}=qabc`));
	expect(await field.inputValue()).toBe('qabc');
	expect(await isFocused()).toBe(true);

	if (tab) {
		const [label, query] = tab;
		const letGo = await holdAnswers(page);
		const asked = page.waitForRequest(asks(query));
		const link = page.getByRole('main').getByRole('link', { name: label });
		await link.click();
		await asked;
		await field.focus();
		await page.keyboard.press('End');
		letGo();
		await page.waitForURL((url) => valueIn(url, query));
		await page.getByRole('main').locator('a[aria-current="true"]').filter({ hasText: label }).waitFor();
		await page.keyboard.type('d');
		await page.waitForURL((url) => valueIn(url, query) && valueIn(url, `${name}=qabcd`));
		expect(await isFocused()).toBe(true);
		// Enter asks at once, and leaves the tab where it is.
		await page.keyboard.type('e');
		await page.keyboard.press('Enter');
		await page.waitForURL((url) => valueIn(url, query) && valueIn(url, `${name}=qabcde`));
	}
	expect(complaints).toEqual([]);
	await close();
});
