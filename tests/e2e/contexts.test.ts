import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Portal } from '../factories.ts';
import { launchBrowser, newPerson } from './browser.ts';

/** Whoever enters what somebody else has left finds it as new. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	// Of its own, so that nobody has left anything in it.
	[browser, portal] = await Promise.all([launchBrowser(), getPortal()]);
});
afterAll(async () => {
	await browser.close();
	await portal.stop();
});

/** All that a page can tell of who was there before. */
async function look(page: Page) {
	await page.goto('/login');
	await page.locator('h1').waitFor();
	return page.evaluate(async () => ({
		cookies: document.cookie,
		local: { ...localStorage },
		session: Object.keys(sessionStorage).filter((key) => key.startsWith('left')),
		databases: (await indexedDB.databases()).map(({ name }) => name),
		caches: await caches.keys(),
		history: history.length,
		title: document.title,
		theme: document.documentElement.className,
		size: [innerWidth, innerHeight],
		media: [
			'print',
			'(prefers-color-scheme: dark)',
			'(prefers-reduced-motion: reduce)',
			'(forced-colors: active)',
			'(prefers-contrast: more)'
		].filter((query) => matchMedia(query).matches)
	}));
}

test('nothing of one person is there for the next one in the same page', async () => {
	const first = await newPerson(browser, portal.server.origin, { as: portal.admin });
	await first.context.clearCookies();
	const asNew = await look(first.page);
	expect(asNew).toMatchObject({ cookies: '', local: {}, session: [], databases: [], caches: [], media: [] });

	const { page, context } = first;
	const asked: string[] = [];
	for (const place of [page, context]) {
		place.on('request', (request) => asked.push(request.url()));
		await place.route('**/login', (route) => route.fulfill({ body: '<h1>Somebody else’s</h1>' }));
	}
	await page.goto('/register');
	await page.evaluate(async () => {
		document.cookie = 'left=1';
		localStorage.setItem('theme', 'dark');
		sessionStorage.setItem('left', '1');
		// Written on the way out, as pages do.
		addEventListener('pagehide', () => sessionStorage.setItem('left-late', '1'));
		await caches.open('left');
		await new Promise((resolve) => (indexedDB.open('left').onsuccess = resolve));
	});
	await (await context.newPage()).goto('/register');
	await page.setViewportSize({ width: 360, height: 800 });
	await page.emulateMedia({
		media: 'print',
		colorScheme: 'dark',
		reducedMotion: 'reduce',
		forcedColors: 'active',
		contrast: 'more'
	});
	await context.addCookies([{ name: 'left', value: '2', url: 'http://127.0.0.1/' }]);
	await first.close();
	asked.length = 0;

	const second = await newPerson(browser, portal.server.origin);
	expect(second.page).toBe(page);
	expect(second.context.pages()).toEqual([page]);
	expect(await second.context.cookies()).toEqual([]);
	expect(await look(second.page)).toEqual(asNew);
	await second.page.evaluate(() => console.error('of the second'));
	await expect.poll(() => second.complaints).toEqual([expect.stringContaining('of the second')]);
	expect([asked, first.complaints]).toEqual([[], []]);
	await second.close();
});

test.each<[string, (page: Page) => Promise<unknown>]>([
	['a script for every page', (page) => page.addInitScript(() => Object.assign(window, { left: 1 }))],
	['a clock of its own', (page) => page.clock.install()],
	['a function of the test', (page) => page.exposeFunction('left', () => 1)],
	['a network that is away', (page) => page.context().setOffline(true)],
	['a page that is closed', (page) => page.close()],
	['what somebody else wants', (page) => Promise.resolve(page)]
])('nobody enters after %s', async (what, leave) => {
	const options = { viewport: { width: 700, height: 700 } };
	const first = await newPerson(browser, portal.server.origin, options);
	await leave(first.page);
	await first.close();
	const isOther = what.startsWith('what somebody');
	const second = await newPerson(browser, portal.server.origin, isOther ? {} : options);
	expect(second.page).not.toBe(first.page);
	await second.close();
});

test.each(['goto', 'reload'] as const)('by %s, a page is there when its script has begun', async (way) => {
	const person = await newPerson(browser, portal.server.origin);
	const { page } = person;
	if (way === 'reload') await page.goto('/login');
	const [asked, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	await page.route(/immutable\/entry\/start/, async (route) => {
		asked.resolve();
		await letGo.promise;
		await route.continue();
	});
	const loaded = page.waitForEvent('load');
	let isThere = false;
	const going = (way === 'goto' ? page.goto('/login') : page.reload()).then(() => (isThere = true));
	await Promise.all([asked.promise, loaded]);
	// As far as the browser is concerned, it is loaded: what it is asked from now on is asked of the page.
	await page.evaluate(() => document.title);
	expect(isThere).toBe(false);
	letGo.resolve();
	await going;
	expect(await page.locator('body script').count()).toBe(0);
	await person.close();
});
