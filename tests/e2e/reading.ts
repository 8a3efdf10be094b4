import type { Page } from 'playwright-core';

/** What axe doesn't look at: names that are read from right to left, fields under a finger, and what is printed. */

/** Text that has a name in Hebrew and words in another script in one line, with nothing that keeps the two apart. */
export function findMixedDirections(page: Page): Promise<string[]> {
	return page.evaluate(() => {
		const hebrew = /[\u0590-\u05ff]/;
		const isolated = /\u2068[^\u2068\u2069]*\u2069/g;
		const withoutIsolated = (text: string): string => {
			const rest = text.replace(isolated, '');
			return rest === text ? rest : withoutIsolated(rest);
		};
		const found: string[] = [];
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			let element = node.parentElement;
			if (!element || element.closest('script, style, option, textarea')) continue;
			if (!hebrew.test(withoutIsolated(node.textContent ?? ''))) continue;
			while (element && ['inline', 'contents'].includes(getComputedStyle(element).display)) {
				if (element.matches('bdi, [dir="auto"]')) break;
				element = element.parentElement;
			}
			if (!element || element.matches('bdi, [dir="auto"]')) continue;
			const line = withoutIsolated(element.textContent ?? '');
			if (/[A-Za-z]/.test(line))
				found.push(`not kept apart: ${line.replace(/\s+/g, ' ').trim().slice(0, 100)}`);
		}
		if (hebrew.test(withoutIsolated(document.title)))
			found.push(`not kept apart in the title: ${document.title}`);
		return found;
	});
}

/** Sentences that a flexible box takes apart: their words and a name in them are boxes of their own there, with gaps. */
export function findTornSentences(page: Page): Promise<string[]> {
	return page.evaluate(() =>
		[...document.querySelectorAll('bdi, time, strong, b, em, code')].flatMap((part) => {
			const box = part.parentElement;
			if (!box?.checkVisibility() || !/flex|grid/.test(getComputedStyle(box).display)) return [];
			const isWords = (node: Node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== '';
			const hasWords = [...box.childNodes].some(isWords);
			return hasWords ? [`torn: ${box.textContent?.replace(/\s+/g, ' ').trim().slice(0, 100)}`] : [];
		})
	);
}

/** Fields that a telephone would bring nearer, and those that don't say whose data belongs into them. */
export function findFieldProblems(page: Page): Promise<string[]> {
	return page.evaluate(() => {
		const shown = [...document.querySelectorAll<HTMLElement>('input, select, textarea')].filter((field) =>
			field.checkVisibility()
		);
		const nameOf = (field: HTMLElement) => field.outerHTML.slice(0, 120);
		const isTyped = (field: HTMLElement) =>
			field.matches('textarea, input:not([type])') ||
			['text', 'email', 'password', 'search'].includes(field.getAttribute('type') ?? '');
		return [
			...shown
				.filter(
					(field) =>
						matchMedia('(pointer: coarse)').matches && parseFloat(getComputedStyle(field).fontSize) < 16
				)
				.map((field) => `smaller than 16 px: ${nameOf(field)}`),
			...(matchMedia('(pointer: coarse)').matches ? [] : ['no finger']),
			...shown
				.filter((field) => isTyped(field) && !field.hasAttribute('autocomplete'))
				.map((field) => `without autocomplete: ${nameOf(field)}`)
		];
	});
}

/** What is printed from the dark theme and isn't black on white, or belongs to the screen. */
export async function findPrintProblems(page: Page): Promise<string[]> {
	await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
	const found = await page.evaluate(() => {
		const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
		/** From 0 for black to 255 for white; null for what can be seen through. */
		function lightnessOf(color: string): number | null {
			if (!canvas) return null;
			canvas.clearRect(0, 0, 1, 1);
			canvas.fillStyle = color;
			canvas.fillRect(0, 0, 1, 1);
			const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
			return alpha < 128 ? null : (red + green + blue) / 3;
		}
		const problems: string[] = [];
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			const element = node.parentElement;
			const text = node.textContent?.trim();
			if (!text || !element?.checkVisibility() || element.closest('script, style, .cm-editor')) continue;
			if ((lightnessOf(getComputedStyle(element).color) ?? 255) > 60)
				problems.push(`printed too light: ${text}`);
			for (let behind: Element | null = element; behind; behind = behind.parentElement) {
				const lightness = lightnessOf(getComputedStyle(behind).backgroundColor);
				if (lightness === null) continue;
				if (lightness < 230) problems.push(`printed on dark: ${text}`);
				break;
			}
		}
		const menus = [...document.querySelectorAll('header.sticky, nav, form[role="search"], [aria-haspopup]')];
		for (const menu of menus.filter((one) => one.checkVisibility()))
			problems.push(`printed: ${menu.outerHTML.slice(0, 80)}`);
		return problems;
	});
	await page.emulateMedia({ media: null });
	return found;
}
