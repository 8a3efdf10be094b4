import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, password, uniqueEmail, type Portal, type Visitor } from '../factories.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** What people do with their own account, in a browser: as a rule with the keyboard. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const next = 'another good password';

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('a forgotten password is set anew without JavaScript; the token never stays in the address bar', async () => {
	const known = await portal.person();
	const { page, close } = await newPerson(browser, portal.server.origin, { hasScript: false });
	await page.goto('/login');
	await page.getByRole('link', { name: 'Forgot password?' }).click();
	await page.getByLabel('E-mail').fill('nobody');
	await page.getByRole('button', { name: 'Send the link' }).click();
	await page.getByText('This is not an e-mail address that mail can be sent to.').waitFor();
	expect(await page.getByLabel('E-mail').inputValue()).toBe('nobody');
	await page.getByLabel('E-mail').fill(known.email);
	await page.getByRole('button', { name: 'Send the link' }).click();
	await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor();

	const token = await portal.tokenFor(known.email, 'reset-password');
	await page.goto(`/reset-password/${token}`);
	expect(page.url()).toMatch(/\/reset-password\?link=[0-9a-f]{16}$/);
	expect(await page.content()).not.toContain(token);
	await page.getByLabel('New password', { exact: true }).fill('short');
	await page.getByRole('button', { name: 'Set the password' }).click();
	await page.getByText('The password needs at least 10 characters.').waitFor();
	await page.getByLabel('New password', { exact: true }).fill(next);
	await page.getByRole('button', { name: 'Set the password' }).click();
	await page.getByText('The new password is set. Sign in with it.').waitFor();
	await page.getByLabel('E-mail').fill(known.email);
	await page.getByLabel('Password', { exact: true }).fill(next);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('heading', { name: 'Your personal space' }).waitFor();
	await close();
});

test('a link that no longer works says why before any form, and leads on', async () => {
	const known = await portal.person({ isFrontDoor: true });
	const { requestReset } = portal.visitor().api.accounts;
	await requestReset.mutate({ email: known.email });
	const first = await portal.tokenFor(known.email, 'reset-password');
	await requestReset.mutate({ email: known.email });
	const used = await portal.tokenFor(known.email, 'reset-password', first);
	await portal.visitor().api.accounts.reset.mutate({ token: used, password: next });
	const late = await portal.person();
	await requestReset.mutate({ email: late.email });
	const expired = await portal.tokenFor(late.email, 'reset-password');
	const lateProof = await portal.person({ isVerified: false });
	const unproven = await portal.tokenFor(lateProof.email, 'verify-email');
	await portal.inDatabase((db) =>
		db
			.updateTable('accountLink')
			.set({ expiresAt: new Date(Date.now() - 1000) })
			.where('accountId', 'in', [late.userId, lateProof.userId])
			.execute()
	);
	const { page, complaints, close } = await newPerson(browser, portal.server.origin);
	const pages = [
		[`/reset-password/${first}`, 'This link is not valid', 'Ask for a new link'],
		[`/reset-password/${used}`, 'This link has been used', 'Ask for a new link'],
		[`/reset-password/${expired}`, 'This link has expired', 'Ask for a new link'],
		[
			`/verify-email/${await portal.tokenFor(known.email, 'verify-email')}`,
			'This address is confirmed',
			'Sign in'
		],
		[`/verify-email/${unproven}`, 'This link has expired', 'Sign in'],
		['/verify-email/nonsense', 'This link is not valid', 'Sign in']
	] as const;
	for (const [path, title, way] of pages) {
		await page.goto(path);
		await page.getByRole('heading', { name: title }).waitFor();
		expect(page.url()).toMatch(
			new RegExp(`^${portal.server.origin}/${path.split('/')[1]}\\?link=[0-9a-f]{16}$`)
		);
		expect(await page.getByRole('textbox').count(), title).toBe(0);
		await page.getByRole('link', { name: way, exact: true }).waitFor();
	}
	await page.goto('/forgot-password');
	await page.getByLabel('E-mail').fill(uniqueEmail());
	await page.getByRole('button', { name: 'Send the link' }).click();
	await page.getByRole('link', { name: 'Another address' }).click();
	await page.getByRole('button', { name: 'Send the link' }).waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('name, password and address are changed with the keyboard alone', async () => {
	const known = await portal.person();
	const { page, complaints, forgive, close } = await open(known, '/dashboard/personal');
	await page.getByRole('button', { name: /^Account of/ }).focus();
	await page.keyboard.press('Enter');
	await page.getByRole('menuitem', { name: 'Profile' }).focus();
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: 'Profile', exact: true }).waitFor();

	const names = card(page, 'Name');
	await names.getByLabel('First name').focus();
	await page.keyboard.press('ControlOrMeta+A');
	await page.keyboard.type('Renée');
	await page.keyboard.press('Enter');
	await names.getByText('Saved').waitFor();
	await page.getByRole('button', { name: 'Account of Renée' }).waitFor();

	const secret = card(page, 'Password');
	await secret.getByLabel('Current password', { exact: true }).focus();
	await page.keyboard.type('wrong password');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await page.keyboard.type(next);
	await page.keyboard.press('Enter');
	await secret.getByText('This is not your password.').waitFor();
	await secret.getByLabel('Current password', { exact: true }).fill(password);
	await page.keyboard.press('Enter');
	await secret.getByText('Changed. Other devices are signed out.').waitFor();

	const address = card(page, 'E-mail address');
	const email = uniqueEmail();
	await address.getByLabel('New e-mail address').focus();
	await page.keyboard.type(email);
	await page.keyboard.press('Tab');
	await page.keyboard.type(next);
	await page.keyboard.press('Enter');
	await address.getByText(`${email} waits for its proof`).waitFor();
	// The page that was open all the time shows the new address as soon as it is proven.
	const proof = await portal.tokenFor(email, 'verify-email');
	const stranger = await newPerson(browser, portal.server.origin);
	await stranger.page.goto(`/verify-email/${proof}`);
	await stranger.page.getByRole('link', { name: 'Sign in and go on' }).waitFor();
	const other = await page.context().newPage();
	await other.goto(`/verify-email/${proof}`);
	await other.getByText(`becomes the address of the account that has ${known.email}`).waitFor();
	await other.getByRole('button', { name: 'Confirm this address' }).click();
	await other.getByText(`${email} is confirmed`).waitFor();
	await address.getByText(`You sign in with ${email}`).waitFor();
	forgive(/400/);
	expect([...complaints, ...stranger.complaints]).toEqual([]);
	await Promise.all([close(), stranger.close()]);
});

test('a device that signs in appears on the page, and is signed out from there', async () => {
	const known = await portal.person();
	const mine = await open(known, '/profile');
	const sessions = card(mine.page, 'Signed in 1');
	await sessions.getByText('This device').waitFor();

	const theirs = await newPerson(browser, portal.server.origin);
	await theirs.page.goto('/login');
	await theirs.page.getByLabel('E-mail').fill(known.email);
	await theirs.page.getByLabel('Password', { exact: true }).fill(password);
	await theirs.page.getByRole('button', { name: 'Sign in' }).click();
	await theirs.page.getByText('Live', { exact: true }).waitFor();
	await mine.page.getByRole('button', { name: 'Sign out Chrome on Linux' }).click();
	await theirs.page.getByText('Your session is over. Sign in again to go on.').waitFor();
	await sessions.waitFor();
	theirs.forgive(/401/);
	expect([...mine.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([mine.close(), theirs.close()]);
});

test('an account is deleted for good, and not while a company needs it', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { owner } = company;
	const { page, complaints, forgive, close } = await open(owner, '/profile');
	await page.getByText(`${company.name} would be without a Super admin.`).waitFor();
	expect(await page.getByRole('button', { name: /^Delete the account/ }).count()).toBe(0);
	await portal.member(company, 'super_admin');
	await page.reload();
	await page.getByRole('button', { name: 'Delete the account …' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Type the address of the account').fill('somebody@example.test');
	await dialog.getByLabel('Current password', { exact: true }).fill(password);
	await dialog.getByRole('button', { name: 'Delete the account for good' }).click();
	await dialog.getByText('This is not the address of your account.').waitFor();
	await dialog.getByLabel('Type the address of the account').fill(owner.email);
	await dialog.getByRole('button', { name: 'Delete the account for good' }).click();
	await page.getByText('Your account is deleted.').waitFor();
	await page.waitForURL(`${portal.server.origin}/`);
	forgive(/400|401/);
	expect(complaints).toEqual([]);
	await close();
});
