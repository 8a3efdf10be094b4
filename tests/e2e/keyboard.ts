import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Presses Tab until what has the focus is called that, as somebody without a mouse does. */
export async function tabTo(page: Page, name: string): Promise<void> {
	const seen: string[] = [];
	for (let times = 0; times < 60; times++) {
		await page.keyboard.press('Tab');
		const focused = await page.evaluate(() => {
			const one = document.activeElement;
			const labels = one && 'labels' in one ? [...((one as HTMLInputElement).labels ?? [])] : [];
			const text = one?.getAttribute('aria-label') ?? labels[0]?.textContent ?? one?.textContent ?? '';
			return one === document.body ? '' : text.replace(/\s+/g, ' ').trim();
		});
		if (focused === name) return;
		seen.push(focused.slice(0, 40));
	}
	throw new Error(`Tab never came to “${name}”, but to ${seen.join(', ')}`);
}

const hasFocus = (entry: Locator) => entry.evaluate((node) => node === document.activeElement);

/** Presses Enter on the entry of the open menu to which the focus comes by itself. */
export async function chooseFocused(page: Page, name: string): Promise<void> {
	await expect.poll(() => hasFocus(page.getByRole('menuitem', { name }))).toBe(true);
	await page.keyboard.press('Enter');
}

/** What lies over the page takes the focus a moment after it is there. */
const isWithin = (page: Page, place: string) =>
	expect
		.poll(() => page.evaluate((where) => document.activeElement?.closest(where) != null, place))
		.toBe(true);

/** Opens the list of one's organizations, which is typed into. */
export async function openSwitcher(page: Page): Promise<void> {
	await page.getByRole('button', { name: /^Switch from/ }).focus();
	await page.keyboard.press('Enter');
	await page.getByPlaceholder('Find an organization').waitFor();
	await isWithin(page, '[aria-label="Your organizations"]');
}

/** Goes down the open menu to that entry, and presses Enter. */
export async function choose(page: Page, name: string): Promise<void> {
	const entry = page.getByRole('menuitem', { name });
	await entry.waitFor();
	await isWithin(page, '[role=menu]');
	while (!(await hasFocus(entry))) await page.keyboard.press('ArrowDown');
	await page.keyboard.press('Enter');
}
