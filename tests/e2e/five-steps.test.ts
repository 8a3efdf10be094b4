import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminPassword, getPortal, unique, uniqueEmail, type Portal } from '../factories.ts';
import { getBrowser, newPerson, type Person } from './browser.ts';

/**
 * The five steps of the product as three people go through them, each in a browser of their own. Nobody reloads a page:
 * what one does has to arrive at the others.
 */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor();

async function signIn({ page }: Person, email: string, password: string) {
	await page.goto('/login');
	await page.getByLabel('E-mail').fill(email);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Sign in' }).click();
}

/** A new developer, registered through the page and with a confirmed address. */
async function register({ page }: Person, firstName: string, lastName: string, email: string) {
	await page.goto('/register');
	await page.getByLabel('First name').fill(firstName);
	await page.getByLabel('Last name').fill(lastName);
	await page.getByLabel('E-mail').fill(email);
	await page.getByLabel('Password', { exact: true }).fill('a long enough password');
	await page.getByRole('button', { name: 'Register' }).click();
	await page.getByRole('heading', { name: 'Your personal space' }).waitFor();
	await page.goto(`/verify-email/${await portal.tokenFor(email, 'verify-email')}`);
	await page.getByRole('button', { name: 'Confirm this address' }).click();
	await page.getByText(`${email} is confirmed`).waitFor();
	await page.goto('/dashboard');
	await isLive(page);
}

const row = (page: Page, organization: string) => page.locator(`[data-organization="${organization}"]`);

describe.each([{ isAutoApproving: false }, { isAutoApproving: true }])(
	'the five steps, with auto-approve $isAutoApproving',
	({ isAutoApproving }) => {
		let admin: Person;
		let owner: Person;
		let invitee: Person;
		const company = unique('Northwind');
		const ownerEmail = uniqueEmail();
		const inviteeEmail = uniqueEmail();
		beforeAll(async () => {
			[admin, owner, invitee] = await Promise.all([
				newPerson(browser, portal.server.origin),
				newPerson(browser, portal.server.origin),
				newPerson(browser, portal.server.origin, { viewport: { width: 360, height: 800 } })
			]);
		});
		afterAll(() => Promise.all([admin.close(), owner.close(), invitee.close()]));

		test('settings: what the admin switches is seen on a page that is open', async () => {
			await signIn(admin, 'admin@example.test', adminPassword);
			await admin.page.getByRole('heading', { name: 'Overview' }).waitFor();
			await register(owner, 'Grace', 'Okafor', ownerEmail);
			const button = owner.page.getByRole('link', { name: 'Create an organization' }).first();
			await button.waitFor();

			await admin.page.getByRole('link', { name: 'Settings' }).first().click();
			const box = admin.page.getByLabel('Enable API consumers to register organizations');
			await box.uncheck();
			await button.waitFor({ state: 'hidden' });
			await box.check();
			await button.waitFor();
			const auto = admin.page.getByLabel('Auto-approve API consumers registering organization', {
				exact: true
			});
			await auto.setChecked(isAutoApproving);
			await expect.poll(() => auto.isEnabled()).toBe(true);
			expect(await auto.isChecked()).toBe(isAutoApproving);
		});

		test('steps 1 and 2: the request arrives at the admin, the decision at the requester', async () => {
			await admin.page
				.getByRole('link', { name: /^Organizations/ })
				.first()
				.click();
			await admin.page.getByRole('heading', { name: /^Organizations/ }).waitFor();

			const { page } = owner;
			await page.getByRole('link', { name: 'Create an organization' }).first().click();
			const send = page.getByRole('button', { name: /Send the request|Create the organization/ });
			await page.getByLabel('Organization name').fill('   ');
			await send.click();
			await page.getByText('The organization name is missing.').waitFor();
			await page.getByLabel('Organization name').fill(company);
			await send.click();

			if (!isAutoApproving) {
				await page.getByRole('heading', { name: `Your request for ${company} is pending` }).waitFor();
				expect(await page.getByRole('link', { name: 'Create an organization' }).count()).toBe(0);
				const mail = await portal.smtp.waitFor(({ subject }) => subject === `${company} asks to join`);
				expect(mail.text).toContain('Grace Okafor');
				const request = row(admin.page, company);
				await request.getByText('Pending', { exact: true }).waitFor();
				await request.getByRole('button', { name: `Approve ${company}` }).click();
				await portal.smtp.waitFor(({ subject }) => subject === `${company} is approved`);
			}
			await page.getByRole('heading', { name: company, exact: true }).waitFor();
			await page.getByRole('heading', { name: 'Invite your first teammate' }).waitFor();
			await row(admin.page, company).getByText('Approved', { exact: true }).waitFor();
		});

		test('step 3: the invitation comes by e-mail, its link lets the new person in', async () => {
			const { page } = owner;
			await page.getByRole('link', { name: 'Users' }).first().click();
			await page.getByRole('button', { name: 'Invite new user' }).click();
			const dialog = page.getByRole('dialog');
			await dialog.getByLabel('First name').fill('Linus');
			await dialog.getByLabel('Last name').fill('Berg');
			await dialog.getByLabel('E-mail').fill('not an address');
			await dialog.getByRole('button', { name: 'Send the invitation' }).click();
			await dialog.getByText('This is not an e-mail address that mail can be sent to.').waitFor();
			expect(await dialog.getByLabel('First name').inputValue()).toBe('Linus');

			const invite = dialog.getByText('Invite people, resend and revoke invitations');
			await dialog.getByLabel('Role').selectOption('super_admin');
			expect(await invite.innerText()).toContain('Yes:');
			await dialog.getByLabel('Role').selectOption('team_member');
			expect(await invite.innerText()).toContain('No:');
			await dialog.getByLabel('E-mail').fill(inviteeEmail);
			await dialog.getByRole('button', { name: 'Send the invitation' }).click();
			await page
				.locator(`[data-invitation="${inviteeEmail}"]`)
				.getByText('Invited', { exact: true })
				.waitFor();

			await portal.smtp.waitFor(({ subject }) => subject === `Grace Okafor invites you to ${company}`);
			const token = await portal.tokenFor(inviteeEmail, 'invitations');
			await invitee.page.goto(`/invitations/${token}`);
			expect(invitee.page.url()).not.toContain(token);
			await invitee.page.getByRole('heading', { name: `Grace Okafor invites you to ${company}` }).waitFor();
			await invitee.page.getByLabel('Password', { exact: true }).fill('short');
			await invitee.page.getByRole('button', { name: 'Set the password and join' }).click();
			await invitee.page.getByText('The password needs at least 10 characters.').waitFor();
			await invitee.page.getByLabel('Password', { exact: true }).fill('a password of my own');
			await invitee.page.getByRole('button', { name: 'Set the password and join' }).click();
			await invitee.page.getByRole('heading', { name: company, exact: true }).waitFor();

			const member = page.locator(`[data-member="${inviteeEmail}"]`);
			await member.getByText('Team member').waitFor();
			await member.getByText('Online', { exact: true }).waitFor();
			await row(admin.page, company).getByText('2', { exact: true }).waitFor();
		});

		test('step 4: a new role is in force at once, on the open page too', async () => {
			await invitee.page.getByRole('link', { name: 'Users' }).first().click();
			await invitee.page.getByRole('heading', { name: /^Users/ }).waitFor();
			expect(await invitee.page.getByRole('button', { name: 'Invite new user' }).count()).toBe(0);

			const edit = async (role: 'super_admin' | 'team_member', lastName: string) => {
				const { page } = owner;
				await page
					.locator(`[data-member="${inviteeEmail}"]`)
					.getByRole('button', { name: /^Actions for/ })
					.click();
				await page.getByRole('menuitem', { name: 'Edit' }).click();
				const dialog = page.getByRole('dialog');
				expect(await dialog.getByLabel('E-mail').isEditable()).toBe(false);
				await dialog.getByLabel('Last name').fill(lastName);
				await dialog.getByLabel('Role').selectOption(role);
				await dialog.getByRole('button', { name: 'Save' }).click();
				await dialog.waitFor({ state: 'hidden' });
			};
			await edit('super_admin', 'Berglund');
			await invitee.page.getByRole('button', { name: 'Invite new user' }).waitFor();
			await invitee.page.locator(`[data-member="${inviteeEmail}"]`).getByText('Linus Berglund').waitFor();
			await portal.smtp.waitFor(({ subject }) => subject === `Your role in ${company} is now Super admin`);
			await edit('team_member', 'Berglund');
			await invitee.page.getByRole('button', { name: 'Invite new user' }).waitFor({ state: 'hidden' });
		});

		test('step 4: the last Super admin stays', async () => {
			const { page } = owner;
			await page
				.locator(`[data-member="${ownerEmail}"]`)
				.getByRole('button', { name: /^Actions for/ })
				.click();
			await page.getByRole('menuitem', { name: 'Edit' }).waitFor();
			expect(await page.getByRole('menuitem', { name: 'Leave the organization' }).count()).toBe(0);
			await page.keyboard.press('Escape');
			await page.getByRole('menuitem', { name: 'Edit' }).waitFor({ state: 'detached' });
		});

		test('step 5: an application of one is everybody’s, with its credential', async () => {
			await owner.page.getByRole('link', { name: 'Dashboard' }).first().click();
			await owner.page.getByRole('heading', { name: company, exact: true }).waitFor();

			const { page } = invitee;
			await page.getByRole('link', { name: 'Applications' }).first().click();
			await page.getByRole('button', { name: 'New application' }).first().click();
			await page.getByRole('dialog').getByLabel('Name').fill('Parcel tracking');
			await page.getByRole('button', { name: 'Create the application' }).click();
			await page.getByRole('heading', { name: 'Parcel tracking' }).waitFor();

			const link = owner.page.getByRole('link', { name: /^Parcel tracking/ });
			await link.waitFor();
			await owner.page.getByText('created the application Parcel tracking').first().waitFor();
			await link.click();
			const secret = owner.page.getByLabel(/^Secret of Default/);
			expect(await secret.innerText()).toMatch(/^ptk_•+/);
			await owner.page.getByRole('button', { name: 'Reveal Default' }).click();
			const shown = await owner.page.getByText(/^ptk_[\w-]{49}$/).innerText();
			// Before it hides by itself, as it does after half a minute; what is copied needs not be seen.
			await owner.page.getByRole('button', { name: 'Hide Default' }).click();
			const copy = owner.page.getByRole('button', { name: 'Copy Default' });
			await Promise.all([copy.getByText('Copied').waitFor(), copy.click()]);
			expect(await owner.page.evaluate(() => navigator.clipboard.readText())).toBe(shown);
			expect(await owner.page.content()).not.toContain(shown);

			// The teammate hears who has looked.
			await page.getByRole('link', { name: 'Activity' }).first().click();
			await page
				.getByText(/revealed the credential “Default”/)
				.first()
				.waitFor();
			await page
				.getByText(/copied the credential “Default”/)
				.first()
				.waitFor();
			await row(admin.page, company).getByText('1', { exact: true }).waitFor();
		});

		test('step 3 again: who is removed is out within a second, wherever they are', async () => {
			await invitee.page.getByRole('link', { name: 'Dashboard' }).first().click();
			await invitee.page.getByRole('heading', { name: company, exact: true }).waitFor();
			await owner.page.getByRole('link', { name: 'Users' }).first().click();
			await owner.page
				.locator(`[data-member="${inviteeEmail}"]`)
				.getByRole('button', { name: /^Actions for/ })
				.click();
			await owner.page.getByRole('menuitem', { name: 'Remove' }).click();
			await owner.page.getByText('They have not revealed any credential that still works.').waitFor();
			await owner.page.getByRole('button', { name: 'Remove Linus Berglund' }).click();
			await owner.page.locator(`[data-member="${inviteeEmail}"]`).waitFor({ state: 'hidden' });
			await invitee.page.getByRole('heading', { name: `You are no longer a member of ${company}` }).waitFor();
			await invitee.page.getByRole('link', { name: 'Go to the dashboard' }).click();
			await invitee.page.getByRole('heading', { name: 'Your personal space' }).waitFor();
		});

		test('nobody’s browser complained on the way', () => {
			owner.forgive(/400/);
			invitee.forgive(/400/);
			for (const person of [admin, owner, invitee]) expect(person.complaints).toEqual([]);
		});
	}
);
