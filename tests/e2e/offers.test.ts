import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, uniqueEmail, type Portal, type Visitor } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

/** What a page offers is what would be done: of the rest it says why not, or nothing. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const approved = () => portal.company({ admin: portal.admin });
const visit = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('the last Super admin isn’t offered to leave, until there is another one', async () => {
	const company = await approved();
	const member = await portal.member(company);
	const person = await visit(company.owner, `/orgs/${company.slug}/settings`);
	const { page } = person;
	await page.getByText('You are its last Super admin.').waitFor();
	expect(await button(page, 'Leave the organization').count()).toBe(0);
	await page.getByRole('link', { name: 'Users', exact: true }).first().click();
	const menu = page
		.locator(`[data-member="${company.owner.email}"]`)
		.getByRole('button', { name: /^Actions/ });
	await menu.click();
	await page.getByRole('menuitem', { name: 'Edit' }).waitFor();
	expect(await page.getByRole('menuitem', { name: 'Leave the organization' }).count()).toBe(0);
	await page.keyboard.press('Escape');

	const { memberId, firstName, lastName } = member;
	const place = { organizationId: company.id, memberId, firstName, lastName };
	await company.owner.api.members.update.mutate({ ...place, role: 'super_admin' });
	await button(page, 'Super admins 2').waitFor();
	await menu.click();
	await page.getByRole('menuitem', { name: 'Leave the organization' }).waitFor();
	await page.keyboard.press('Escape');
	await page.goto(`/orgs/${company.slug}/settings`);
	await button(page, 'Leave the organization').waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('at a limit the button says so instead of a form, and comes back with the room', async () => {
	const company = await approved();
	const { id: organizationId, owner, slug } = company;
	const application = await portal.application(company);
	const place = { organizationId, applicationId: application.id };
	for (let count = 1; count < 20; count++)
		await owner.api.credentials.create.mutate({ ...place, label: `Key ${count}` });
	const person = await visit(owner, `/orgs/${slug}/applications/${application.id}`);
	const { page } = person;
	const full = page.getByText('An application holds up to 20 active credentials. Revoke one first.').first();
	await full.waitFor();
	expect(await button(page, 'New credential').isDisabled()).toBe(true);

	// Two that work at once need room; in place of the old one there is some.
	const row = page.locator('[data-credential]').filter({ hasText: 'Key 7' });
	await row.getByRole('button', { name: 'Rotate' }).click();
	const dialog = page.getByRole('dialog', { name: `Rotate “Key 7” of ${application.name}` });
	await dialog.waitFor();
	expect(await dialog.getByRole('option').allInnerTexts()).toEqual(['Now']);
	await dialog.getByText(`dies at once: every program that uses it for ${application.name}`).waitFor();
	const lastFour = /ends with (.{4}),/.exec(await dialog.innerText())?.[1] ?? 'nothing';
	await button(page, 'Rotate now').click();
	await dialog.waitFor({ state: 'hidden' });
	await page.locator('[data-credential]').filter({ hasText: 'Revoked' }).waitFor();
	const { snapshot } = await owner.api.organizations.open.query({ slug });
	const [shown] = snapshot.applications;
	expect(shown?.credentials.find((one) => one.lastFour === lastFour)).toMatchObject({ label: 'Key 7' });

	const another = shown?.credentials.find(({ label }) => label === 'Key 3');
	await owner.api.credentials.revoke.mutate({ ...place, credentialId: another?.id ?? '' });
	await full.waitFor({ state: 'hidden' });
	await button(page, 'New credential').click();
	await page.getByRole('dialog', { name: 'New credential' }).waitFor();
	await page.keyboard.press('Escape');

	const { api } = portal.admin;
	await api.settings.update.mutate({ maxMembers: 1, maxApplications: 1 });
	await page.goto(`/orgs/${slug}/users`);
	await page.getByText('An organization holds up to 1 members and open invitations.').waitFor();
	expect(await button(page, 'Invite new user').isDisabled()).toBe(true);
	expect(await page.getByRole('link', { name: 'Invite many' }).count()).toBe(0);
	// Neither by an address that somebody has kept.
	await page.goto(`/orgs/${slug}/users?invite`);
	await page.getByText('An organization holds up to 1 members').waitFor();
	expect(await page.getByRole('dialog').count()).toBe(0);
	await page.goto(`/orgs/${slug}`);
	await page.getByText('An organization holds up to 1 members').waitFor();
	await page.getByText('There are 1 applications already, which is the most.').waitFor();
	expect(await button(page, 'New application').isDisabled()).toBe(true);
	await api.settings.update.mutate({ maxMembers: 100, maxApplications: 100 });
	await page.getByRole('link', { name: 'Invite new user' }).waitFor();
	await page.getByRole('link', { name: 'New application' }).waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('who is invited already is sent the link again where one tries to invite them', async () => {
	const company = await approved();
	const { id, email, token } = await portal.invitation(company);
	await portal.moveInvitation(id, { sentAt: -61 });
	const person = await visit(company.owner, `/orgs/${company.slug}/users?invite`);
	const { page } = person;
	const dialog = page.getByRole('dialog', { name: 'Invite new user' });
	const address = dialog.getByLabel('E-mail');
	for (const field of [address, dialog.getByLabel('First name')]) {
		expect(await field.getAttribute('autocomplete')).toBe('off');
		expect(await field.getAttribute('data-1p-ignore')).toBe('true');
	}
	await address.fill(uniqueEmail());
	expect(await dialog.getByText('has been invited already').count()).toBe(0);
	await address.fill(` ${email.toUpperCase()}`);
	await dialog.getByText(`${email} has been invited already by`).waitFor();
	await dialog.getByRole('button', { name: `Send again the invitation of ${email}` }).click();
	await page.getByText(`Sent to ${email} again`).waitFor();
	await dialog.waitFor({ state: 'hidden' });
	await portal.tokenFor(email, 'invitations', token);
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('a click on a person opens them: to be edited, or to be looked at', async () => {
	const company = await approved();
	const member = await portal.member(company);
	const name = `${member.firstName} ${member.lastName}`;
	const [owner, theirs] = [
		await visit(company.owner, `/orgs/${company.slug}`),
		await visit(member, `/orgs/${company.slug}/users`)
	];
	await owner.page.getByTestId('online').getByRole('link', { name }).click();
	await owner.page.getByRole('dialog', { name: `Edit ${name}` }).waitFor();
	await owner.page.keyboard.press('Escape');
	await button(owner.page, name).click();
	await owner.page
		.getByRole('dialog', { name: `Edit ${name}` })
		.getByRole('button', { name: 'Save' })
		.waitFor();

	const { firstName, lastName } = company.owner;
	await button(theirs.page, `${firstName} ${lastName}`).click();
	const dialog = theirs.page.getByRole('dialog', { name: `${firstName} ${lastName}` });
	await dialog.getByText('A Super admin may').waitFor();
	expect(await dialog.getByLabel('First name').isEditable()).toBe(false);
	expect(await dialog.getByLabel('Role').isDisabled()).toBe(true);
	expect(await dialog.getByRole('button', { name: 'Save' }).count()).toBe(0);

	const admin = await visit(portal.admin, `/admin/organizations/${company.id}`);
	await admin.page.getByRole('link', { name }).click();
	await admin.page.locator(`[data-account="${member.email}"]`).getByRole('link', { name }).click();
	await admin.page.waitForURL(`**/admin/activity?person=${member.userId}`);
	for (const one of [owner, theirs, admin]) {
		expect(one.complaints).toEqual([]);
		await one.close();
	}
});

test('“Rename” works once something has changed, and the field follows what others change', async () => {
	const company = await portal.company();
	const person = await visit(company.owner, `/orgs/${company.slug}`);
	const { page } = person;
	const field = page.getByLabel('Organization name');
	const settle = async (first: string) => {
		expect(await button(page, 'Rename').isDisabled()).toBe(true);
		await field.fill(`${first} `);
		expect(await button(page, 'Rename').isDisabled()).toBe(true);
		await field.fill(`${first} Ltd`);
		await button(page, 'Rename').click();
		// The button is off while it saves too.
		const { organizations } = portal.admin.api;
		const saved = async () =>
			(await organizations.get.query({ organizationId: company.id })).organization.name;
		await expect.poll(saved).toBe(`${first} Ltd`);
		await expect.poll(() => button(page, 'Rename').isDisabled()).toBe(true);
		expect(await field.inputValue()).toBe(`${first} Ltd`);
	};
	await settle(company.name);
	const name = unique('Corrected');
	await portal.admin.api.organizations.correct.mutate({ organizationId: company.id, name });
	await expect.poll(() => field.inputValue()).toBe(name);
	expect(await button(page, 'Rename').isDisabled()).toBe(true);
	await portal.admin.api.organizations.approve.mutate({ organizationId: company.id });
	await page.getByRole('heading', { name, exact: true }).waitFor();
	await page.goto(`/orgs/${company.slug}/settings`);
	await settle(name);

	const admin = await visit(portal.admin, `/admin/organizations/${company.id}`);
	await button(admin.page, 'Rename').click();
	expect(await admin.page.getByRole('dialog').getByRole('button', { name: 'Rename' }).isDisabled()).toBe(
		true
	);
	for (const one of [person, admin]) {
		expect(one.complaints).toEqual([]);
		await one.close();
	}
});

test('“Organization name” has the focus, and a request that is approved at once says so', async () => {
	await portal.admin.api.settings.update.mutate({ isAutoApprovingOrganizations: true });
	const person = await visit(await portal.person(), '/dashboard/personal');
	const { page } = person;
	await page.getByRole('link', { name: 'Create an organization' }).first().click();
	const field = page.getByLabel('Organization name');
	await field.waitFor();
	await expect.poll(() => field.evaluate((node) => node === document.activeElement)).toBe(true);
	await page.reload();
	await expect.poll(() => field.evaluate((node) => node === document.activeElement)).toBe(true);
	const name = unique('Swift');
	await page.keyboard.type(name);
	await page.keyboard.press('Enter');
	await page.getByText(`Success: ${name} is approved, and you are its Super admin.`).waitFor();
	await portal.admin.api.settings.update.mutate({ isAutoApprovingOrganizations: false });
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('“Confirm your e-mail address” stands where something needs it, and not above what doesn’t', async () => {
	const unproven = await portal.person({ isVerified: false });
	const person = await visit(unproven, '/dashboard/personal');
	const { page } = person;
	const asking = page.getByText('Confirm your e-mail address first');
	await asking.waitFor();
	const [list, note] = [
		await page.getByText('No applications yet').boundingBox(),
		await asking.boundingBox()
	];
	expect(note?.y).toBeGreaterThan(list?.y ?? Infinity);
	await button(page, 'Send again').click();
	await page.getByText('Sent. Look into your mailbox.').waitFor();
	for (const link of ['Applications', 'Activity']) {
		await page.getByRole('link', { name: link }).first().click();
		await page.getByRole('heading', { level: 1, name: link }).waitFor();
		expect(await page.getByText(/Confirm your (e-mail )?address/).count(), link).toBe(0);
	}
	await page.goto('/organizations/new');
	await page.getByText('Confirm your address first').waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('portal admins have one button for new organizations', async () => {
	const person = await visit(portal.admin, '/admin/organizations');
	const { page } = person;
	await button(page, 'Create for a partner').waitFor();
	expect(await page.getByRole('link', { name: 'Create an organization' }).count()).toBe(0);
	await page.goto('/dashboard/personal');
	await page.getByRole('link', { name: 'Create an organization' }).first().waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});
