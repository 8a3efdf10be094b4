import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { password, startPortal, type Company, type Portal, type Visitor } from '../factories.ts';
import { launchBrowser, newPerson } from './browser.ts';

/** What the link of an invitation shows, in every state and to whoever is signed in. */

let browser: Browser;
let portal: Portal;
let company: Company;
beforeAll(async () => {
	[browser, portal] = await Promise.all([launchBrowser(), startPortal()]);
	company = await portal.company({ admin: portal.admin });
});
afterAll(async () => {
	await browser.close();
	await portal.stop();
});

async function visit(token: string, as?: Visitor) {
	const person = await newPerson(browser, portal.server.origin);
	const url = portal.server.origin;
	await person.context.addCookies([...(as?.jar ?? [])].map(([name, value]) => ({ name, value, url })));
	await person.page.goto(`/invitations/${token}`);
	return person;
}

test('says why it no longer works, before any form', async () => {
	const organizationId = company.id;
	const { api } = company.owner;
	const revoked = await portal.invitation(company);
	await api.invitations.revoke.mutate({ organizationId, invitationId: revoked.id });
	const declined = await portal.invitation(company);
	await portal.visitor().api.invitations.decline.mutate({ token: declined.token });
	const accepted = await portal.invitation(company);
	await portal.visitor().api.invitations.accept.mutate({ token: accepted.token, password });
	const expired = await portal.invitation(company);
	await portal.moveInvitation(expired.id, { expiresAt: -1 });
	const other = await portal.company({ admin: portal.admin });
	const waiting = await portal.invitation(other);
	await portal.admin.api.organizations.suspend.mutate({ organizationId: other.id });
	const pages = [
		[revoked.token, 'This invitation has been revoked'],
		[declined.token, 'This invitation has been declined'],
		[accepted.token, 'This invitation has been accepted'],
		[expired.token, 'This invitation has expired'],
		[waiting.token, 'This invitation can’t be accepted now'],
		[revoked.id, 'This invitation is not valid'],
		['x'.repeat(43), 'This invitation is not valid']
	] as const;
	for (const [token, title] of pages) {
		const person = await visit(token);
		await person.page.getByRole('heading', { name: title }).waitFor();
		expect(await person.page.getByRole('textbox').count(), title).toBe(0);
		expect(await person.page.getByRole('button', { name: /join|decline|sign out/i }).count(), title).toBe(0);
		// No dead end.
		await person.page.getByRole('link', { name: 'Sign in' }).waitFor();
		expect(person.complaints).toEqual([]);
		await person.close();
	}
});

test('lets an existing account sign in first and then accept; the inviter sees it arrive', async () => {
	const known = await portal.person();
	const { token } = await portal.invitation(company, { email: known.email });
	const inviter = await newPerson(browser, portal.server.origin);
	const url = portal.server.origin;
	await inviter.context.addCookies([...company.owner.jar].map(([name, value]) => ({ name, value, url })));
	await inviter.page.goto(`/orgs/${company.slug}/users`);
	await inviter.page.getByText('Live', { exact: true }).waitFor();

	const { page, complaints, close } = await visit(token);
	await page.getByText(`${known.email} has an account.`).waitFor();
	expect(await page.getByLabel('Password', { exact: true }).count()).toBe(0);
	await page.getByRole('link', { name: 'Sign in' }).click();
	await page.getByLabel('E-mail').fill(known.email);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('button', { name: `Accept and join ${company.name}` }).click();
	await page.getByRole('heading', { name: company.name, exact: true }).waitFor();
	await inviter.page.locator(`[data-member="${known.email}"]`).waitFor();
	await inviter.page.locator(`[data-invitation="${known.email}"]`).waitFor({ state: 'hidden' });
	expect([...complaints, ...inviter.complaints]).toEqual([]);
	await Promise.all([close(), inviter.close()]);
});

test('tells somebody else who is signed in, and lets them make way', async () => {
	const other = await portal.person();
	const { token, email } = await portal.invitation(company);
	const { page, complaints, close } = await visit(token, other);
	await page.getByText(`You are signed in as ${other.email}`).waitFor();
	expect(await page.getByRole('button', { name: /join|decline/i }).count()).toBe(0);
	await page.getByRole('button', { name: `Sign out and go on as ${email}` }).click();
	await page.getByLabel('Password', { exact: true }).waitFor();
	expect((await other.api.sessions.get.query({})).account).toBeNull();
	expect(complaints).toEqual([]);
	await close();
});

test('can be declined', async () => {
	const { token, email } = await portal.invitation(company);
	const { page, complaints, close } = await visit(token);
	await page.getByRole('button', { name: 'Decline the invitation' }).click();
	await page.getByRole('heading', { name: 'This invitation has been declined' }).waitFor();
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	expect(snapshot.invitations.map((one) => one.email)).not.toContain(email);
	expect(snapshot.recent[0]?.name).toBe('invitation.declined');
	expect(complaints).toEqual([]);
	await close();
});
