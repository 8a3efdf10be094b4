import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { RunOptions } from 'axe-core';
import { errors, type Page } from 'playwright-core';

/** The package's own short form: each document reads it anew. */
const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Look {
	/** These rules alone, instead of those of WCAG 2.2 AA. */
	rules?: string[];
	/** Of something that lies over the page, that alone. */
	within?: string;
}

/**
 * What keeps the page from being read and used by everybody: findings of axe, and a window that has to be scrolled
 * sideways. The rules are brought once per document: their 600 kB are most of the work.
 */
export async function findProblems(page: Page, { rules, within }: Look = {}): Promise<string[]> {
	const isThere = await page.evaluate(() => 'axe' in window);
	if (!isThere) await page.evaluate(source);
	const tooWide = await findTooWide(page);
	const options: RunOptions = {
		runOnly: rules ? { type: 'rule', values: rules } : { type: 'tag', values: tags },
		rules: {
			// Whoever speaks to the page says what stands on a button. Not on by default.
			...(!rules && { 'label-content-name-mismatch': { enabled: true } }),
			// What lies over the page is in none of its regions.
			...(within !== undefined && { region: { enabled: false } })
		},
		resultTypes: ['violations'],
		iframes: false
	};
	const found = await page.evaluate(
		async ([place, how]) => {
			const { axe } = window as unknown as { axe: typeof import('axe-core') };
			const { violations } = await axe.run(place, how);
			const short = (html: string) => html.slice(0, 160);
			return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => short(html)).join(' | ')}`);
		},
		[within ?? 'html', options] as const
	);
	return [...found, ...tooWide];
}

/** So long a page may take to fit into its window, in milliseconds: what lies over it is moved a while after the window. */
const patience = 60_000;

/** Whether the page has to be scrolled sideways, once it has had the time to fit. */
async function findTooWide(page: Page): Promise<string[]> {
	const fits = () => document.documentElement.scrollWidth <= window.innerWidth;
	try {
		await page.waitForFunction(fits, undefined, { timeout: patience });
		return [];
	} catch (error) {
		if (!(error instanceof errors.TimeoutError)) throw error;
	}
	const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
	return [`wider than the window: ${widths.join(' > ')}`];
}

/** The page as it is now, wide and narrow, light and dark; it is left narrow and dark. */
export async function findAllProblems(page: Page, look: Look = {}): Promise<string[]> {
	await page.setViewportSize({ width: 1400, height: 900 });
	await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
	await page.locator('html:not(.dark)').waitFor({ state: 'attached' });
	const found = await findProblems(page, look);
	await page.emulateMedia({ colorScheme: 'dark' });
	await page.locator('html.dark').waitFor({ state: 'attached' });
	found.push(...(await findProblems(page, { ...look, rules: ['color-contrast'] })));
	await page.setViewportSize({ width: 360, height: 800 });
	found.push(...(await findProblems(page, look)));
	return found;
}
