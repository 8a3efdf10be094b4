import type { Page } from 'playwright-core';

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
