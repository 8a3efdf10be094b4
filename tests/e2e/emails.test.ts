import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue, type EmailName } from '../../emails/catalogue.ts';
import { renderEmail } from '../../src/mail/compose.ts';
import { getPortal, unique, type Portal, type Visitor } from '../factories.ts';
import { findProblems } from './axe.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** Portal admins write the e-mails: what they type is seen at once, and received. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) =>
	openAs(browser, portal.server.origin, as, path, { viewport: { width: 1400, height: 900 } });

const editorOf = (page: Page) => page.getByRole('textbox', { name: 'Text of the message in MJML' });
const previewOf = (page: Page) => page.frameLocator('iframe[title="The message as HTML"]');

/** Types in place of all that is there. */
async function write(page: Page, text: string) {
	await editorOf(page).click();
	await page.keyboard.press('ControlOrMeta+a');
	await page.keyboard.press('Delete');
	// As from the clipboard: the editor closes no brackets by itself then.
	await page.keyboard.insertText(text);
}

test('the approval mail is rewritten, refused while it is wrong, saved, and received as it was written', async () => {
	const company = await portal.company({ name: unique('Rewritten') });
	const admin = await open(portal.admin, '/admin/emails');
	const { page } = admin;
	await page.getByRole('link', { name: /^Organization approved/ }).click();
	await page.getByRole('heading', { name: 'Organization approved' }).waitFor();
	await previewOf(page).getByText('Northwind Logistics is approved').waitFor();

	await write(page, '<mj-text>\n\tWelcome aboard, {{nobody}}.\n</mj-text>');
	await page.getByText('This message has no {{nobody}}.').first().waitFor();
	await page.getByRole('button', { name: 'Line 2' }).waitFor();
	expect(await page.locator('.cm-gutter-lint .cm-lint-marker-error').count()).toBe(1);
	expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
	expect(await page.getByRole('button', { name: 'Send test to me' }).isDisabled()).toBe(true);

	await write(page, '<mj-text>Welcome aboard, .</mj-text>');
	for (let step = 0; step < '.</mj-text>'.length; step++) await page.keyboard.press('ArrowLeft');
	await page.keyboard.type('{{fir');
	// By a click: the editor takes a key that follows at once for the end of the line.
	await page.getByRole('option', { name: /^{{firstName}}/, selected: true }).click();
	await previewOf(page).getByText('Welcome aboard, Grace.').waitFor();
	await page.getByLabel('Subject').fill('Come in, ');
	await page.getByRole('button', { name: '{{organizationName}}' }).click();
	await page.getByText('Come in, Northwind Logistics').waitFor();

	await page.getByRole('button', { name: 'Text', exact: true }).click();
	expect(await page.getByTestId('preview-text').innerText()).toContain('Welcome aboard, Grace.');
	await page.getByRole('button', { name: 'HTML', exact: true }).click();
	await page.getByRole('button', { name: 'Dark', exact: true }).click();
	const card = previewOf(page).locator('.card').first();
	await expect
		.poll(() => card.evaluate((one) => getComputedStyle(one).backgroundColor))
		.toBe('rgb(24, 24, 27)');
	const frame = page.locator('iframe[title="The message as HTML"]');
	expect(await frame.getAttribute('sandbox')).toBe('');
	await expect
		.poll(() => frame.getAttribute('srcdoc'))
		.toContain(`content="default-src 'none'; img-src data:;`);

	await page.getByRole('button', { name: 'Send test to me' }).click();
	await page.getByText('On its way to admin@example.test').waitFor();
	await page.getByLabel('Note').fill('Warmer');
	await page.getByRole('button', { name: 'Save' }).click();
	await page.getByText('Saved as version 1').waitFor();
	await page.getByText('Warmer').waitFor();
	const tried = await portal.smtp.waitFor(({ subject }) => subject === '[Test] Come in, Northwind Logistics');
	expect(tried.text).toContain('This is a test');

	await portal.admin.api.organizations.approve.mutate({ organizationId: company.id });
	const mail = await portal.smtp.waitFor(({ subject }) => subject === `Come in, ${company.name}`);
	expect(mail.text).toContain('Welcome aboard, Dev.');
	expect(mail.html).toContain('Welcome aboard, <bdi>Dev</bdi>.');

	await page.getByRole('button', { name: 'Reset to default' }).click();
	await page.getByRole('alertdialog').getByRole('button', { name: 'Reset to default' }).click();
	await previewOf(page).getByText('Northwind Logistics is approved').waitFor();
	expect(await editorOf(page).innerText()).toContain('Invite your teammates');
	await page.goto('/admin/activity');
	await page.getByText('set the e-mail “Organization approved” back to the default (version 2)').waitFor();
	expect(admin.complaints).toEqual([]);
	await admin.close();
});

test('two admins at once see each other; who saves second is told, and loses nothing', async () => {
	const other = await portal.person({ firstName: 'Ada', lastName: 'Moreau' });
	await portal.admin.api.accounts.setPortalAdmin.mutate({ accountId: other.userId, isPortalAdmin: true });
	const path = '/admin/emails/member-removed';
	const one = await open(portal.admin, path);
	const two = await open(other, path);
	await one.page.getByText('Ada Moreau is editing this too.').waitFor();
	await two.page.getByText('Portal Admin is editing this too.').waitFor();

	// What nobody has touched becomes the colleague's text by itself.
	await write(one.page, '<mj-text>One</mj-text>');
	await one.page.getByRole('button', { name: 'Save' }).click();
	await one.page.getByText('Saved as version 1').waitFor();
	await editorOf(two.page).getByText('One').waitFor();
	await two.page.getByText('Version 1').first().waitFor();

	await write(two.page, '<mj-text>Mine</mj-text>');
	await write(one.page, '<mj-text>Theirs</mj-text>');
	await one.page.getByRole('button', { name: 'Save' }).click();
	await two.page.getByText('Portal Admin has saved version 2 since you began.').waitFor();
	expect(await editorOf(two.page).innerText()).toContain('Mine');
	expect(await two.page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
	await two.page.getByRole('alert').getByRole('button', { name: 'Compare' }).click();
	const comparison = two.page.getByTestId('comparison');
	await comparison.locator('.cm-deletedChunk').getByText('Theirs').waitFor();
	await comparison.locator('.cm-changedLine, .cm-insertedLine').getByText('Mine').waitFor();
	await two.page.getByRole('button', { name: 'Close' }).click();
	await two.page.getByRole('button', { name: 'Go on with mine' }).click();
	await two.page.getByRole('button', { name: 'Save' }).click();
	await editorOf(one.page).getByText('Mine').waitFor();

	await one.page.getByRole('button', { name: 'Restore version 2' }).click();
	await one.page.getByRole('alertdialog').getByRole('button', { name: 'Restore version 2' }).click();
	await editorOf(two.page).getByText('Theirs').waitFor();
	await two.page.goto('/admin/emails');
	await one.page.getByText('Ada Moreau is editing this too.').waitFor({ state: 'hidden' });
	expect([...one.complaints, ...two.complaints]).toEqual([]);
	await Promise.all([one.close(), two.close()]);
});

test('the keyboard gets into the editor and out of it', async () => {
	const admin = await open(portal.admin, '/admin/emails/account-exists');
	const { page } = admin;
	await page.getByText('To leave with the keyboard press Escape, then Tab.').waitFor();
	await page.getByLabel('Subject').focus();
	await page.keyboard.press('Tab');
	await editorOf(page).and(page.locator(':focus')).waitFor();
	await page.keyboard.press('Tab');
	await editorOf(page).and(page.locator(':focus')).waitFor();
	await page.keyboard.press('Escape');
	await page.keyboard.press('Tab');
	await page.getByLabel('Note').and(page.locator(':focus')).waitFor();
	admin.page.on('dialog', (dialog) => void dialog.accept());
	await page.getByRole('link', { name: 'Mailbox' }).first().click();
	await page.getByRole('heading', { name: 'Mailbox' }).waitFor();
	expect(admin.complaints).toEqual([]);
	await admin.close();
});

test('a logo and a colour are tried before they are saved; what can’t be read is said at once', async () => {
	const admin = await open(portal.admin, '/admin/emails/brand');
	const { page } = admin;
	await page.getByLabel('Accent colour', { exact: true }).fill('#ffcc00');
	await page.getByText('White text on this colour has a contrast of 1.5 to 1').waitFor();
	await page.getByLabel('Accent colour', { exact: true }).fill('#0f766e');
	const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 60, height: 30 } });
	await page
		.locator('input[type=file]')
		.setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: picture });
	await previewOf(page).getByAltText('Portico').waitFor();
	await page.getByRole('button', { name: 'Save' }).click();
	await page.getByText('Saved, and in force').waitFor();
	const { brand } = await portal.admin.api.emails.getBrand.query({});
	expect(brand).toMatchObject({
		accentColor: '#0f766e',
		logo: `data:image/png;base64,${picture.toString('base64')}`
	});
	admin.forgive(/400/);
	expect(admin.complaints).toEqual([]);
	await admin.close();
});

test('every e-mail can be read at 320 pixels, in light and in dark, and loads nothing', async () => {
	const person = await newPerson(browser, portal.server.origin, { viewport: { width: 320, height: 800 } });
	const { page } = person;
	const asked: string[] = [];
	page.on('request', (request) => asked.push(request.url()));
	const problems: string[] = [];
	const brand = {
		name: 'Acme Developers',
		origin: 'https://portal.example.com',
		supportEmail: 'help@acme.example'
	};
	for (const name of Object.keys(catalogue) as EmailName[]) {
		const { html } = await renderEmail(name, catalogue[name].sample, brand);
		await page.setContent(html);
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.emulateMedia({ colorScheme });
			const found = await findProblems(page, { rules: ['color-contrast'] });
			problems.push(...found.map((problem) => `${name}, ${colorScheme}: ${problem}`));
		}
	}
	expect(problems).toEqual([]);
	expect(asked).toEqual([]);
	await person.close();
});
