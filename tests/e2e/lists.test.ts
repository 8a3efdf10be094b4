import { mkdirSync, readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, uniqueEmail, type Company, type Portal } from '../factories.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, openAs } from './browser.ts';
import { tabTo } from './keyboard.ts';

/** Lists of people as they come out of other products, brought to “Invite many”. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (company: Company) =>
	openAs(browser, portal.server.origin, company.owner, `/orgs/${company.slug}/users/invite`);

const fixture = (name: string) => ({
	name,
	mimeType: 'application/octet-stream',
	buffer: readFileSync(new URL(`../fixtures/lists/${name}`, import.meta.url))
});
const choose = (page: Page, file: ReturnType<typeof fixture>) =>
	page.getByLabel('CSV file').setInputFiles(file);
const send = (page: Page, words: string) => page.getByRole('button', { name: `Send ${words}`, exact: true });
const chosen = (page: Page, line: number) => page.getByRole('checkbox', { name: `Invite line ${line}` });

/** Pictures for whoever looks at the page: `PICTURES=folder`. */
async function picture(page: Page, name: string) {
	const folder = process.env.PICTURES;
	if (!folder) return;
	mkdirSync(folder, { recursive: true });
	for (const width of [1400, 360]) {
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.setViewportSize({ width, height: 900 });
			await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
			await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
		}
	}
}

test('who is gone is set aside with the reason, and can be chosen by hand', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company);
	await choose(page, fixture('google-workspace-users.csv'));
	await page.getByRole('heading', { name: '3 people' }).waitFor();
	await send(page, '2 invitations').waitFor();
	expect(await Promise.all([2, 3, 4].map((line) => chosen(page, line).isChecked()))).toEqual([
		true,
		true,
		false
	]);
	await page.getByText('2 not sent yet · 1 set aside').waitFor();
	await page.locator('[data-invitee="old.colleague@northwind.example"]').getByText('Suspended').waitFor();
	await picture(page, 'google');
	expect(await findAllProblems(page)).toEqual([]);
	await page.setViewportSize({ width: 1280, height: 800 });

	await page.getByRole('button', { name: 'Begin anew' }).click();
	await choose(page, fixture('slack-members.csv'));
	await page.getByText('2 not sent yet · 2 set aside').waitFor();
	await picture(page, 'slack');
	await page.setViewportSize({ width: 1280, height: 800 });
	await chosen(page, 4).check();
	await send(page, '3 invitations').click();
	await page.getByText('3 sent · 1 set aside').waitFor();
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.invitations.map(({ email }) => email.split('@')[0]).sort()).toEqual([
		'mira.solberg',
		'old.colleague',
		'tomas.reyes'
	]);
	expect(complaints).toEqual([]);
	await close();
});

test('a workbook is read in the browser, and addresses alone are sent', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company);
	await choose(page, fixture('people.xlsx'));
	await page.getByRole('heading', { name: '1 person' }).waitFor();
	await send(page, '1 invitation').click();
	await page.getByText('1 sent').waitFor();
	await page.goto(`/orgs/${company.slug}/users`);
	const row = page.locator('[data-invitation="mira@northwind.example"]');
	await row.getByText('Name not known yet').waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('what is no list is told for what it is', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company);
	const file = (name: string, text: string) => ({
		...fixture('email-only.csv'),
		name,
		buffer: Buffer.from(text, 'latin1')
	});
	await choose(page, file('people.pdf', '%PDF-1.7'));
	await page
		.getByText('people.pdf is a PDF. Save the list as .xlsx or CSV, or copy it and paste it here.')
		.waitFor();
	await choose(page, file('people.xls', '\xd0\xcf\x11\xe0'));
	await page.getByText('people.xls is an old Excel workbook (.xls)').waitFor();
	await choose(page, file('people.csv', ''));
	await page.getByText('people.csv is empty.').waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('columns that nobody knows are asked for, by keyboard alone, and nothing is told by their place', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company);
	const [first, second] = [uniqueEmail(), uniqueEmail()];
	await page
		.getByLabel('People')
		.fill(`Cyfenw;Enw;Ebost\nOkafor;Grace;${first}\nBerg;Linus;${second}\nTanaka;Mei;${company.owner.email}`);
	await page.getByRole('button', { name: 'Check the list' }).click();
	await page.getByRole('heading', { name: 'Which column is which?' }).waitFor();
	for (const sample of ['Okafor', 'Linus', company.owner.email]) await page.getByText(sample).waitFor();
	await picture(page, 'columns');
	expect(await findAllProblems(page)).toEqual([]);
	await page.setViewportSize({ width: 1280, height: 800 });
	// What holds addresses is offered as that.
	const ebost = page.getByRole('combobox', { name: 'What “Ebost” holds' });
	expect(await ebost.inputValue()).toBe('email');
	await ebost.selectOption('ignore');
	await tabTo(page, 'Show the list');
	await page.keyboard.press('Enter');
	await page.getByText('Say which column holds the e-mail addresses.').waitFor();
	for (const [heading, meaning] of [
		['Cyfenw', 'lastName'],
		['Enw', 'firstName'],
		['Ebost', 'email']
	] as const) {
		await page.getByRole('combobox', { name: `What “${heading}” holds` }).selectOption(meaning);
	}
	await tabTo(page, 'Show the list');
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: '3 people' }).waitFor();
	expect(await page.getByRole('textbox', { name: 'Last name, line 2' }).inputValue()).toBe('Okafor');
	// Whoever sees that they chose wrongly goes back.
	await page.getByRole('button', { name: 'Change the columns' }).click();
	await page.getByRole('heading', { name: 'Which column is which?' }).waitFor();
	await page.getByRole('button', { name: 'Back' }).click();
	await send(page, '3 invitations').click();
	await page.getByText('2 sent · 1 already a member').waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('corrections go by no single click, and what is typed or answered outlasts a stray link', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company);
	const email = uniqueEmail();
	const box = (label: string) => page.getByRole('textbox', { name: label });
	const holds = (heading: string) => page.getByRole('combobox', { name: `What “${heading}” holds` });
	const stray = async () => {
		await page.getByRole('link', { name: 'Back to the users' }).click();
		await page.waitForURL(/users$/);
		await page.goBack();
	};
	// A text before it is checked, and answers about columns.
	await page.getByLabel('People').fill(`Cyfenw;Vorname;E-Mail\nOkafor;Grace;${email}`);
	await stray();
	await expect.poll(() => page.getByLabel('People').inputValue()).toContain(email);
	await page.getByRole('button', { name: 'Check the list' }).click();
	await page.getByText('The headings in line 1 aren’t all known here.').waitFor();
	await holds('Cyfenw').selectOption('lastName');
	await stray();
	await expect.poll(() => holds('Cyfenw').inputValue()).toBe('lastName');
	await page.reload();
	await expect.poll(() => holds('Cyfenw').inputValue()).toBe('lastName');
	await page.getByRole('button', { name: 'Back', exact: true }).click();
	await expect.poll(() => page.getByLabel('People').inputValue()).toContain(email);

	// Corrections.
	await page.getByLabel('People').fill(`Vorname;Nachname;E-Mail\nGrace;Okafor;${email}`);
	await page.getByRole('button', { name: 'Check the list' }).click();
	await box('First name, line 2').fill('Gracia');
	await page.getByRole('button', { name: 'Change the columns' }).click();
	await page.getByRole('heading', { name: 'Which column is which?' }).waitFor();
	expect(await page.getByText('aren’t all known').count()).toBe(0);
	await page.getByRole('button', { name: 'Show the list' }).click();
	expect(await box('First name, line 2').inputValue()).toBe('Gracia');
	await page.getByRole('button', { name: 'Change the columns' }).click();
	await holds('Nachname').selectOption('ignore');
	await page.getByRole('button', { name: 'Show the list' }).click();
	await page.getByRole('alertdialog', { name: 'Read the list anew?' }).waitFor();
	await page.getByRole('button', { name: 'Cancel' }).click();
	await page.getByRole('button', { name: 'Back', exact: true }).click();
	expect(await box('First name, line 2').inputValue()).toBe('Gracia');
	await page.getByRole('button', { name: 'Begin anew' }).click();
	const giving = page.getByRole('alertdialog', { name: 'Give up this list?' });
	await giving.waitFor();
	await page.getByRole('button', { name: 'Cancel' }).click();
	await giving.waitFor({ state: 'detached' });
	expect(await box('First name, line 2').inputValue()).toBe('Gracia');
	await page.reload();
	await expect.poll(() => box('First name, line 2').inputValue()).toBe('Gracia');
	await page.getByRole('button', { name: 'Begin anew' }).click();
	await page.getByRole('button', { name: 'Give it up' }).click();
	await page.getByLabel('People').waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('letters that are guessed are shown before anything is ready, and can be chosen', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company);
	await choose(page, fixture('cp1250-polish.csv'));
	await page.getByRole('heading', { name: 'Are the letters right?' }).waitFor();
	expect(await page.getByRole('button', { name: /^Send/ }).count()).toBe(0);
	expect(await page.locator('[data-telling]').allInnerTexts()).toEqual(['Łucja', 'Żak']);
	await picture(page, 'letters');
	expect(await findAllProblems(page)).toEqual([]);
	await page.setViewportSize({ width: 1280, height: 800 });
	await page.getByLabel('Letters').last().selectOption('windows-1252');
	await page.getByText('£ucja').waitFor();
	await page.getByLabel('Letters').last().selectOption('windows-1250');
	await page.getByText('Łucja').waitFor();
	await page.getByRole('button', { name: 'The letters are right' }).click();
	expect(await page.getByRole('textbox', { name: 'First name, line 2' }).inputValue()).toBe('Łucja');
	await send(page, '1 invitation').waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('a list that is being corrected outlasts a click, “Back” and a reload, and goes with what is sent', async () => {
	const company = await portal.company({ admin: portal.admin });
	const other = await portal.company({ admin: portal.admin, owner: company.owner });
	const { page, complaints, forgive, close } = await open(company);
	const email = uniqueEmail();
	await page.getByLabel('People').fill('Grace,Okafor,grace at x.test\nLinus,Berg,linus at x.test');
	await page.getByRole('button', { name: 'Check the list' }).click();
	await page.getByRole('textbox', { name: 'E-mail, line 1' }).fill(email);
	await page.getByRole('link', { name: 'Back to the users' }).click();
	await page.getByRole('link', { name: 'Invite many' }).click();
	await page.getByText('This is the list that you have begun here.').waitFor();
	expect(await page.getByRole('textbox', { name: 'E-mail, line 1' }).inputValue()).toBe(email);
	await page.reload();
	await page.getByText('This is the list that you have begun here.').waitFor();
	expect(await page.getByRole('textbox', { name: 'E-mail, line 1' }).inputValue()).toBe(email);

	// It is of one organization.
	await page.goto(`/orgs/${other.slug}/users/invite`);
	await page.getByLabel('People').waitFor();
	await page.goBack();
	await send(page, '1 invitation').click();
	await page.getByText('1 sent · 1 to be corrected').waitFor();
	await page.reload();
	await page.getByText('1 sent · 1 to be corrected').waitFor();
	await page.getByRole('button', { name: 'Remove line 2 from the list' }).click();
	await page.reload();
	await page.getByLabel('People').waitFor();

	// Given up, and gone with the session.
	const kept = () =>
		page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith('portico:')));
	await page.getByLabel('People').fill('Grace,Okafor,grace@x.test');
	await page.getByRole('button', { name: 'Check the list' }).click();
	await page.getByRole('heading', { name: '1 person' }).waitFor();
	await page.reload();
	await page.getByText('This is the list that you have begun here.').waitFor();
	expect(await kept()).toHaveLength(1);
	// What the page still asks for is refused from here on.
	forgive(/401/);
	await company.owner.api.sessions.delete.mutate({});
	await page.goto('/login');
	await expect.poll(kept).toEqual([]);
	expect(complaints).toEqual([]);
	await close();
});
