import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What keeps the page from being read and used by everybody: findings of axe, and a window that has to be scrolled sideways. */
export async function findProblems(page: Page, rules?: string[]): Promise<string[]> {
	const axe = new AxeBuilder({ page });
	const { violations } = await (rules ? axe.withRules(rules) : axe.withTags(tags)).analyze();
	const found = violations.map(
		({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`
	);
	const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
	if ((widths[0] ?? 0) > (widths[1] ?? 0)) found.push(`wider than the window: ${widths.join(' > ')}`);
	return found;
}

/** The page as it is now, wide and narrow, light and dark; it is left narrow and dark. */
export async function findAllProblems(page: Page): Promise<string[]> {
	await page.setViewportSize({ width: 1400, height: 900 });
	await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
	const found = await findProblems(page);
	await page.emulateMedia({ colorScheme: 'dark' });
	await page.locator('html.dark').waitFor({ state: 'attached' });
	found.push(...(await findProblems(page, ['color-contrast'])));
	await page.setViewportSize({ width: 360, height: 800 });
	found.push(...(await findProblems(page)));
	return found;
}
