import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, password, unique, type Company, type Portal, type Visitor } from '../factories.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, newPerson } from './browser.ts';
import { tabTo } from './keyboard.ts';

/**
 * What the link of an invitation shows, in every state and to whoever is signed in. With `PICTURES=1` each page is
 * kept as a picture in docs/invitations/.
 */

let browser: Browser;
let portal: Portal;
let company: Company;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	const owner = await portal.person({
		email: 'grace@northwind.example',
		firstName: 'Grace',
		lastName: 'Okafor'
	});
	company = await portal.company({ owner, admin: portal.admin, name: unique('Northwind Logistics') });
});
afterAll(() => portal.stop());

const pictures = process.env.PICTURES
	? fileURLToPath(new URL('../../docs/invitations/', import.meta.url))
	: null;

const signedIn = (as?: Visitor) => newPerson(browser, portal.server.origin, { as });

async function visit(token: string, as?: Visitor) {
	const person = await signedIn(as);
	await person.page.goto(`/invitations/${token}`);
	// The token has left the address bar, and the history with it.
	expect(person.page.url()).toMatch(/\/invitations\?link=[0-9a-f]{16}$/);
	return person;
}

/** Whether everybody can read and use it; a picture on demand. */
async function look(page: Page, name: string, isPictured = true): Promise<string[]> {
	await page.locator('h1').waitFor();
	if (pictures && isPictured) {
		await mkdir(pictures, { recursive: true });
		await page.setViewportSize({ width: 800, height: 720 });
		await page.screenshot({ path: `${pictures}${name}.png` });
	}
	return (await findAllProblems(page)).map((problem) => `${name}: ${problem}`);
}

test('says why it no longer works, before any form, and leads on', async () => {
	const organizationId = company.id;
	const { api } = company.owner;
	const revoked = await portal.invitation(company);
	await api.invitations.revoke.mutate({ organizationId, invitationId: revoked.id });
	const declined = await portal.invitation(company);
	await portal.visitor().api.invitations.decline.mutate({ token: declined.token });
	const accepted = await portal.invitation(company);
	const member = portal.visitor();
	await member.api.invitations.accept.mutate({ token: accepted.token, password });
	const expired = await portal.invitation(company);
	await portal.moveInvitation(expired.id, { expiresAt: -1 });
	const resent = await portal.invitation(company);
	await portal.moveInvitation(resent.id, { sentAt: -61 });
	await api.invitations.resend.mutate({ organizationId, invitationId: resent.id });
	const owner = await portal.person({ firstName: 'Omar', lastName: 'Haddad' });
	const other = await portal.company({ owner, admin: portal.admin, name: unique('Lumen Energy') });
	const waiting = await portal.invitation(other);
	await portal.admin.api.organizations.suspend.mutate({ organizationId: other.id });
	const pages = [
		['revoked', revoked.token, 'This invitation has been revoked'],
		['declined', declined.token, 'This invitation has been declined'],
		['accepted', accepted.token, 'This invitation has been accepted'],
		['expired', expired.token, 'This invitation has expired'],
		['suspended', waiting.token, 'This invitation can’t be accepted now'],
		['resent', resent.token, 'This invitation is not valid'],
		['id', revoked.id, 'This invitation is not valid'],
		['not-valid', 'x'.repeat(43), 'This invitation is not valid']
	] as const;
	const problems: string[] = [];
	for (const [name, token, title] of pages) {
		const { page, complaints, close } = await visit(token);
		await page.getByRole('heading', { name: title }).waitFor();
		expect(await page.getByRole('textbox').count(), title).toBe(0);
		expect(await page.getByRole('button', { name: /join|decline|sign out/i }).count(), title).toBe(0);
		// No dead end.
		await page.getByRole('link', { name: 'Sign in' }).waitFor();
		const isPictured = title !== pages[5][2] || name === 'not-valid';
		problems.push(...(await look(page, name, isPictured)), ...complaints);
		await close();
	}
	expect(problems).toEqual([]);
	// Whoever has used it goes on to where it led.
	const { page, close } = await visit(accepted.token, member);
	await page.getByRole('link', { name: `Open ${company.name}` }).click();
	await page.getByRole('heading', { name: company.name, exact: true }).waitFor();
	await close();
});

test('asks a new person for a password alone, and tells that joining confirms the address', async () => {
	const email = 'linus@northwind.example';
	const person = { firstName: 'Linus', lastName: 'Berg', email, role: 'team_member' as const };
	await company.owner.api.invitations.create.mutate({ organizationId: company.id, ...person });
	const token = await portal.tokenFor(email, 'invitations');
	const { page, complaints, close } = await visit(token);
	expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
	expect(await page.getByLabel('E-mail').getAttribute('readonly')).not.toBeNull();
	expect(await page.getByLabel('First name').inputValue()).toBe('Linus');
	await page.getByText('joining confirms the address').waitFor();
	expect([...(await look(page, 'new-person')), ...complaints]).toEqual([]);
	await close();
});

test('lets an existing account sign in first and then accept, by keyboard alone; the inviter sees it arrive', async () => {
	const known = await portal.person({ email: 'mei@northwind.example' });
	const { token } = await portal.invitation(company, { email: known.email });
	const inviter = await signedIn(company.owner);
	await inviter.page.goto(`/orgs/${company.slug}/users`);
	await inviter.page.getByText('Live', { exact: true }).waitFor();

	const { page, complaints, close } = await visit(token);
	await page.getByText(`${known.email} has an account.`).waitFor();
	expect(await page.getByLabel('Password', { exact: true }).count()).toBe(0);
	expect(await look(page, 'existing-account')).toEqual([]);
	await tabTo(page, 'Sign in');
	await page.keyboard.press('Enter');
	await page.waitForURL(/\/login\?next=/);
	await page.getByRole('heading', { name: 'Sign in' }).waitFor();
	await tabTo(page, 'E-mail');
	await page.keyboard.type(known.email);
	await page.keyboard.press('Tab');
	await page.keyboard.type(password);
	await page.keyboard.press('Enter');
	await page.getByRole('button', { name: `Accept and join ${company.name}` }).waitFor();
	expect(await look(page, 'signed-in')).toEqual([]);
	await tabTo(page, `Accept and join ${company.name}`);
	await Promise.all([
		inviter.page.getByText('joined as Team member').first().waitFor(),
		page.keyboard.press('Enter')
	]);
	await page.getByRole('heading', { name: company.name, exact: true }).waitFor();
	await inviter.page.locator(`[data-member="${known.email}"]`).waitFor();
	await inviter.page.locator(`[data-invitation="${known.email}"]`).waitFor({ state: 'hidden' });
	expect([...complaints, ...inviter.complaints]).toEqual([]);
	await Promise.all([close(), inviter.close()]);
});

test('tells somebody else who is signed in, and lets them make way and come back', async () => {
	const other = await portal.person({ email: 'omar@lumen.example' });
	const { token, email } = await portal.invitation(company, { email: 'noor@northwind.example' });
	const masked = `n••••@${email.split('@')[1]}`;
	const { page, complaints, close } = await visit(token, other);
	await page
		.getByText(`You are signed in as ${other.email}, but this invitation is for ${masked}.`)
		.waitFor();
	expect(await page.getByText(email).count()).toBe(0);
	expect(await page.getByRole('button', { name: /join|decline/i }).count()).toBe(0);
	expect(await look(page, 'somebody-else')).toEqual([]);
	await page.getByRole('button', { name: `Sign out and go on as ${masked}` }).click();
	await page.getByLabel('Password', { exact: true }).waitFor();
	expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
	expect((await other.api.sessions.get.query({})).account).toBeNull();
	expect(complaints).toEqual([]);
	await close();
});

test('waits for the right person’s confirmation, and goes on by itself', async () => {
	const person = await portal.person({ email: 'tom@northwind.example', isVerified: false });
	const first = await portal.tokenFor(person.email, 'verify-email');
	const { token } = await portal.invitation(company, { email: person.email });
	const { page, complaints, close } = await visit(token, person);
	await page.getByText(`${person.email} is not confirmed yet`).waitFor();
	expect(await look(page, 'unconfirmed')).toEqual([]);
	await page.getByRole('button', { name: 'Send the confirmation again' }).click();
	await page.getByText('A new link is on its way.').waitFor();
	const confirmation = await portal.tokenFor(person.email, 'verify-email', first);
	await person.api.accounts.verifyEmail.mutate({ token: confirmation });
	await page.getByRole('button', { name: `Accept and join ${company.name}` }).waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('can be declined, and whoever invited hears of it at once', async () => {
	const { token, email, firstName, lastName } = await portal.invitation(company);
	const inviter = await signedIn(company.owner);
	await inviter.page.goto(`/orgs/${company.slug}`);
	await inviter.page.getByText('Live', { exact: true }).waitFor();
	const { page, complaints, close } = await visit(token);
	await page.getByRole('button', { name: 'Decline the invitation' }).click();
	await page.getByRole('heading', { name: 'This invitation has been declined' }).waitFor();
	await inviter.page.getByText(`${firstName} ${lastName} declined the invitation`).first().waitFor();
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.invitations.map((one) => one.email)).not.toContain(email);
	expect([...complaints, ...inviter.complaints]).toEqual([]);
	await Promise.all([close(), inviter.close()]);
});

test('in an older tab is the one that is accepted, whatever was opened since', async () => {
	const owner = await portal.person({ firstName: 'Mei', lastName: 'Tanaka' });
	const other = await portal.company({ owner, admin: portal.admin, name: unique('Tanaka Robotics') });
	const invitee = await portal.person();
	const older = await portal.invitation(company, { email: invitee.email });
	const newer = await portal.invitation(other, { email: invitee.email });
	const { page, context, complaints, close } = await visit(older.token, invitee);
	const tab = await context.newPage();
	await tab.goto(`/invitations/${newer.token}`);
	await tab.getByRole('button', { name: `Accept and join ${other.name}` }).waitFor();
	await page.getByRole('button', { name: `Accept and join ${company.name}` }).click();
	await page.getByRole('heading', { name: company.name, exact: true }).waitFor();
	await tab.getByRole('button', { name: `Accept and join ${other.name}` }).click();
	await tab.getByRole('heading', { name: other.name, exact: true }).waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('in a tab that is older than the answer says so, and goes on saying it', async () => {
	const { token } = await portal.invitation(company);
	const person = await visit(token);
	const { page, context, complaints, close } = person;
	const tab = await context.newPage();
	await tab.goto(`/invitations/${token}`);
	await tab.getByLabel('Password', { exact: true }).fill(password);
	await tab.getByRole('button', { name: 'Set the password and join' }).click();
	await tab.getByRole('heading', { name: company.name, exact: true }).waitFor();
	const asked: string[] = [];
	page.on('request', (request) => asked.push(new URL(request.url()).pathname));
	await page.getByRole('button', { name: 'Decline the invitation' }).click();
	await page.getByRole('heading', { name: 'This page is out of date' }).waitFor();
	await page.getByText('Open the link again that led here.').waitFor();
	// Nothing is loaded in its place.
	expect(asked.filter((path) => path.includes('__data'))).toEqual([]);
	person.forgive(/409/);
	expect(complaints).toEqual([]);
	await close();
});

test('that is revoked while its page is open says so when it is answered', async () => {
	const { token, id } = await portal.invitation(company);
	const { page, close } = await visit(token);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await company.owner.api.invitations.revoke.mutate({ organizationId: company.id, invitationId: id });
	await page.getByRole('button', { name: 'Set the password and join' }).click();
	await page.getByRole('heading', { name: 'This invitation has been revoked' }).waitFor();
	await close();
});

test('a newcomer has the first credential copied with five clicks, the one on the link in the mail among them', async () => {
	const application = await portal.application(company);
	const { token } = await portal.invitation(company);
	const { page, complaints, close } = await signedIn();
	// The first is on the link, in the mail program.
	let clicks = 1;
	await page.exposeFunction('noteClick', () => (clicks += 1));
	await page.addInitScript(() =>
		addEventListener(
			'pointerdown',
			() => void (window as unknown as { noteClick: () => Promise<number> }).noteClick(),
			{ capture: true }
		)
	);
	await page.goto(`/invitations/${token}`);
	await page.getByLabel('Password', { exact: true }).click();
	await page.keyboard.type(password);
	await page.getByRole('button', { name: 'Set the password and join' }).click();
	await page.getByRole('link', { name: application.name }).first().click();
	await Promise.all([
		page.getByText('Copied', { exact: true }).first().waitFor(),
		page.getByRole('button', { name: 'Copy Default' }).click()
	]);
	expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^ptk_[\w-]{49}$/);
	// The link, the password’s field, joining, the application, copying.
	await expect.poll(() => clicks).toBe(5);
	expect(complaints).toEqual([]);
	await close();
});
