import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, uniqueEmail, type Company, type Portal } from '../factories.ts';
import { getRecipients } from '../smtp.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, openAs } from './browser.ts';
import { chooseFocused, tabTo } from './keyboard.ts';

/** Inviting as a Super admin does it: one by one, and many at once. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (company: Company, path: string, prepare?: (page: Page) => Promise<void>) =>
	openAs(browser, portal.server.origin, company.owner, `/orgs/${company.slug}${path}`, { prepare });

const mailsTo = (email: string) => portal.smtp.messages.filter((one) => getRecipients(one).includes(email));

test('one, by keyboard alone: the row shows how far the e-mail is, and takes another role', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company, '/users');
	const email = uniqueEmail();
	await tabTo(page, 'Invite new user');
	await page.keyboard.press('Enter');
	await page
		.getByText('You can send 30 invitations now: one person sends up to 30 within 10 minutes.')
		.waitFor();
	// Whoever opens a form begins to type in it.
	await page.keyboard.type('Grace');
	await page.keyboard.press('Tab');
	await page.keyboard.type('Okafor');
	await page.keyboard.press('Tab');
	await page.keyboard.type(email);
	await page.keyboard.press('Enter');
	const row = page.locator(`[data-invitation="${email}"]`);
	await row.getByText('E-mail sent').waitFor();
	await row.getByText('Team member').waitFor();

	await tabTo(page, 'Actions for the invitation of Grace Okafor');
	await page.keyboard.press('Enter');
	await page.getByRole('menuitem', { name: /Send again in \d+ s/, disabled: true }).waitFor();
	await chooseFocused(page, 'Edit');
	await page.getByRole('dialog').getByText('The link in the e-mail stays the same').waitFor();
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await tabTo(page, 'Role');
	await page.keyboard.press('S');
	await page.getByText('The e-mail that has gone out names the old role.').waitFor();
	await tabTo(page, 'Save');
	await page.keyboard.press('Enter');
	await row.getByText('Super admin').waitFor();
	expect(complaints).toEqual([]);
	await close();
});

const send = (page: Page, count: number) =>
	page.getByRole('button', { name: count === 1 ? 'Send 1 invitation' : `Send ${count} invitations` });

test('many: what is wrong is marked at its field and corrected in place, and each row is answered', async () => {
	const company = await portal.company({ admin: portal.admin });
	const invited = await portal.invitation(company);
	const [first, second] = [uniqueEmail(), uniqueEmail()];
	const { page, complaints, close } = await open(company, '/users');
	await page.getByRole('link', { name: 'Invite many' }).click();
	const list = [
		'First name;Last name;E-mail;Role',
		`Grace;Okafor;${first};Super admin`,
		`Linus;Berg;linus at x.test;Owner`,
		`Grace;Okafor;${first.toUpperCase()};`,
		`Mei;Tanaka;${company.owner.email};`,
		`Noor;Aziz;${invited.email};`
	].join('\r\n');
	await page
		.getByLabel('CSV file')
		.setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(list) });
	await page.getByRole('heading', { name: '5 people' }).waitFor();
	await page.getByText('“Owner” is no role here. Choose another one, or leave it.').waitFor();
	await page.getByText('The same address as in line 2.').waitFor();
	expect(await page.getByRole('textbox', { name: 'E-mail, line 3' }).getAttribute('aria-invalid')).toBe(
		'true'
	);
	expect(await findAllProblems(page)).toEqual([]);
	await page.setViewportSize({ width: 1280, height: 800 });
	await send(page, 3).waitFor();

	await page.getByRole('button', { name: 'Show the 2 to be corrected' }).click();
	expect(await page.locator('[data-invitee]').count()).toBe(2);
	await page.getByRole('textbox', { name: 'E-mail, line 3' }).fill(second);
	expect(await page.getByRole('combobox', { name: 'Role, line 3' }).inputValue()).toBe('team_member');
	await page.getByRole('button', { name: 'Remove the duplicate' }).click();
	await page.getByRole('button', { name: 'Show all' }).click();
	await send(page, 4).click();
	await page.getByText('2 sent · 1 already a member · 1 already invited').waitFor();
	const answers = await page.locator('[data-invitee] td:nth-child(6)').allInnerTexts();
	expect(answers.map((text) => text.replace(/\s+/g, ' ').replace(/ in \d+ s$/, ''))).toEqual([
		'Sent',
		'Sent',
		'Already a member',
		'Already invited Send again'
	]);
	await portal.smtp.waitFor((one) => getRecipients(one).includes(second));
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.invitations.map(({ email, role }) => [email, role])).toContainEqual([first, 'super_admin']);
	expect(complaints).toEqual([]);
	await close();
});

test('many: an answer that is lost on the way sends nothing twice, and progress is counted', async () => {
	const company = await portal.company({ admin: portal.admin });
	const person = await open(company, '/users/invite');
	const { page } = person;
	person.forgive(/ERR_FAILED|Failed to load/);
	const emails = Array.from({ length: 25 }, () => uniqueEmail());
	await page.getByLabel('People').fill(emails.map((email, n) => `Person ${n} Name <${email}>`).join('\n'));
	await page.getByRole('button', { name: 'Check the list' }).click();
	let isLost = false;
	const isRead = Promise.withResolvers<void>();
	await page.route(/invitations\.createMany/, async (route) => {
		if (isLost) {
			await isRead.promise;
			return route.continue();
		}
		isLost = true;
		await route.fetch();
		await route.abort();
	});
	await send(page, 25).click();
	await page.getByText('The connection was lost. Trying again, without sending anything twice …').waitFor();
	expect(await page.getByRole('progressbar').getAttribute('aria-valuetext')).toBe('0 of 25');
	isRead.resolve();
	await page.getByText('25 sent', { exact: true }).waitFor();
	await portal.invitation(company);
	expect(emails.map((email) => mailsTo(email).length)).toEqual(emails.map(() => 1));
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('many: the limit is said before it is reached, and what it holds back stays in the list', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { page, complaints, close } = await open(company, '/users/invite');
	const emails = Array.from({ length: 33 }, () => uniqueEmail());
	await page.getByLabel('People').fill(emails.map((email) => `First, Last, ${email}`).join('\n'));
	await page.getByRole('button', { name: 'Check the list' }).click();
	await page.getByText('You can send 30 invitations now').waitFor();
	await page.getByText('Of 33, 3 stay in the list, to be sent later.').waitFor();
	await send(page, 33).click();
	await page
		.getByRole('alert')
		.getByText(/^You have sent 30 invitations within 10 minutes\. Try again in \d+ minutes\.$/)
		.waitFor();
	await page.getByText('30 sent · 3 not sent yet').waitFor();
	expect(await page.getByText('Limit reached').count()).toBe(3);
	await send(page, 3).waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('an invitation that expires while the page is open says so to whoever sent it, who sends it again', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { id, email } = await portal.invitation(company);
	// Far enough away that the page has come before, however long that takes.
	await portal.moveInvitation(id, { sentAt: -3600, expiresAt: 600 });
	const { page, complaints, close } = await open(company, '', (page) => page.clock.install());
	await page.clock.fastForward(601_000);
	await page.getByText(`The invitation of ${email} has expired`).waitFor();
	await portal.moveInvitation(id, { expiresAt: -1 });
	await page.goto(`/orgs/${company.slug}/users`);
	const row = page.locator(`[data-invitation="${email}"]`);
	await row.getByText('Expired').waitFor();
	await row.getByRole('button', { name: `Send again the invitation of ${email}` }).click();
	await row.getByText('E-mail sent').waitFor();
	expect(await row.getByText('Expired').count()).toBe(0);
	expect(complaints).toEqual([]);
	await close();
});
