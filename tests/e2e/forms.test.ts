import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Portal } from '../factories.ts';
import { getBrowser, newPerson } from './browser.ts';

/** Each form that is refused says so at its first wrong field, which is in view and has the focus. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

/** A phone's height: what stands at the end of a form is out of sight. */
const viewport = { width: 360, height: 640 };

/** The one field that has the focus, with the words at it, when it has been refused. */
async function expectRefused(page: Page, name: string, words: RegExp) {
	const field = page.locator(`[name="${name}"][aria-invalid="true"]`);
	await field.waitFor();
	await expect
		.poll(() => field.evaluate((one) => one === document.activeElement), { message: name })
		.toBe(true);
	const note = page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`);
	expect(await note.textContent()).toMatch(words);
	expect(await page.getByText(/invalid input|expected/i).count()).toBe(0);
	const isInView = (one: Element) => {
		const { top, bottom } = one.getBoundingClientRect();
		return top >= 0 && bottom <= window.innerHeight;
	};
	await expect.poll(() => field.evaluate(isInView), { message: name }).toBe(true);
}

const fill = async (page: Page, values: Record<string, string>) => {
	for (const [name, value] of Object.entries(values)) await page.locator(`[name="${name}"]`).fill(value);
};
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).last().click();

type Form = {
	form: string;
	path: () => string;
	values: Record<string, string>;
	button: string | RegExp;
	field: string;
	words: RegExp;
};
const forms: Form[] = [
	{
		form: 'registering without any name',
		path: () => '/register',
		values: { email: 'nobody' },
		button: 'Register',
		field: 'firstName',
		words: /^The first name is missing/
	}
];

test.each(forms)('$form', async ({ path, values, button, field, words }) => {
	const person = await newPerson(browser, portal.server.origin, { viewport });
	person.forgive(/status of 4\d\d/);
	const { page } = person;
	await page.goto(path(), { waitUntil: 'networkidle' });
	await fill(page, values);
	await press(page, button);
	await expectRefused(page, field, words);
	// The same words once more lead there once more.
	await page.evaluate(() => {
		(document.activeElement as HTMLElement).blur();
		window.scrollTo(0, document.body.scrollHeight);
	});
	await press(page, button);
	await expectRefused(page, field, words);
	expect(person.complaints).toEqual([]);
	await person.close();
});
