import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sayNumber } from '#lib/numbers.ts';
import {
	adminPassword,
	password,
	getPortal,
	unique,
	uniqueEmail,
	type Portal,
	type Visitor
} from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

/** Two portal admins at work on the same requests, each in a browser of their own. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

/** How many requests wait in the portal, also those that other files have left, as the title of an admin’s page says. */
const pendingOf = async (page: Page) => Number(/^\((\d+)\) /.exec(await page.title())?.[1] ?? 0);

test('several requests are decided at once, with an answer for each; the other admin sees it happen', async () => {
	const word = unique('Batch').replace(' ', '');
	const companies = [];
	for (const letter of ['A', 'B', 'C']) companies.push(await portal.company({ name: `${word} ${letter}` }));
	const colleague = portal.visitor();
	await colleague.api.sessions.create.mutate({ email: 'admin@example.test', password: adminPassword });
	const [one, other] = [
		await open(portal.admin, `/admin/organizations?search=${word}`),
		await open(colleague, `/admin/organizations?search=${word}`)
	];
	const { page } = one;
	expect(await page.title()).toMatch(/^\(\d+\) Organizations/);
	const pending = await pendingOf(page);
	expect(pending).toBeGreaterThanOrEqual(3);
	await page.getByLabel(`Select ${word} A`).check();
	await page.getByRole('button', { name: 'Select all shown' }).click();
	await page.getByText('3 requests selected').waitFor();

	// The colleague is faster with one of them: it leaves the selection, and the row says what it is now.
	await other.page.getByRole('button', { name: `Reject ${word} B` }).click();
	await other.page.getByRole('button', { name: /^We could not find the company/ }).click();
	await other.page.getByRole('button', { name: 'Reject the request' }).click();
	await page.getByText('2 requests selected').waitFor();
	await page.getByRole('button', { name: 'Approve 2 requests' }).click();
	await page.getByText('2 of 2 decided').waitFor();
	await page.getByText('Approved just now.').first().waitFor();

	const row = (letter: string) => other.page.locator(`[data-organization="${word} ${letter}"]`);
	await row('A').getByText('Approved', { exact: true }).waitFor();
	await row('B').getByText('Rejected', { exact: true }).waitFor();
	await row('C').getByText('Approved', { exact: true }).waitFor();
	await portal.smtp.waitFor(({ subject }) => subject === `${word} C is approved`);
	const rejection = await portal.smtp.waitFor(({ subject }) => subject === `${word} B was not approved`);
	expect(rejection.text?.replace(/\s+/g, ' ')).toContain('We could not find the company under this name.');
	await expect.poll(() => pendingOf(page)).toBe(pending - 3);
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([one.close(), other.close()]);
});

test('the page of an organization follows what happens there, and its name can be corrected', async () => {
	const name = unique('Followed');
	const company = await portal.company({ name });
	const admin = await open(portal.admin, `/admin/organizations/${company.id}`);
	const owner = await open(company.owner, `/orgs/${company.slug}`);
	const { page } = admin;
	await page.getByRole('button', { name: 'Rename' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Organization name').fill('');
	await dialog.getByRole('button', { name: 'Rename' }).click();
	await dialog.getByText('The organization name is missing.').waitFor();
	await dialog.getByLabel('Organization name').fill(`${name} Ltd`);
	await dialog.getByRole('button', { name: 'Rename' }).click();
	await owner.page.getByRole('heading', { name: `Your request for ${name} Ltd is pending` }).waitFor();
	await page.getByRole('button', { name: `Approve ${name} Ltd` }).click();
	await owner.page.getByRole('heading', { name: `${name} Ltd`, exact: true }).waitFor();
	const member = await portal.member(company);
	await page.getByText(member.email).first().waitFor();
	await member.api.applications.create.mutate({ organizationId: company.id, name: 'Seen by the provider' });
	await page.getByText('Seen by the provider').first().waitFor();
	admin.forgive(/400/);
	expect([...admin.complaints, ...owner.complaints]).toEqual([]);
	await Promise.all([admin.close(), owner.close()]);
});

test('a setting that one admin saves is on the other’s page, and not over what they are typing', async () => {
	const [one, other] = [
		await open(portal.admin, '/admin/settings/general'),
		await open(portal.admin, '/admin/settings/general')
	];
	await other.page.getByLabel('Members of an organization').fill('12');
	await one.page.getByLabel('Lifetime of invitations in days').fill('400');
	await one.page.getByRole('button', { name: 'Save' }).click();
	await one.page.getByText('The lifetime in days is a whole number from 1 to 30.').waitFor();
	await one.page.getByLabel('Lifetime of invitations in days').fill('14');
	await one.page.getByLabel('Portal name').fill('Acme Developers');
	await one.page.getByRole('button', { name: 'Save' }).click();
	await one.page.getByText('Saved, and in force').waitFor();
	await other.page.getByRole('link', { name: 'Acme Developers, dashboard' }).waitFor();
	await other.page.getByText('set “Lifetime of invitations in days” to 14').first().waitFor();
	expect(await other.page.getByLabel('Lifetime of invitations in days').inputValue()).toBe('14');
	expect(await other.page.getByLabel('Members of an organization').inputValue()).toBe('12');
	expect(await other.page.title()).toMatch(/^(\(\d+\) )?General settings · Acme Developers$/);
	one.forgive(/400/);
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([one.close(), other.close()]);
});

test('an account that is deactivated is out everywhere; its last Super admin’s seat is defended in words', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const [admin, theirs] = [
		await open(portal.admin, `/admin/users?search=${member.email}`),
		await open(member, `/orgs/${company.slug}`)
	];
	const row = admin.page.locator(`[data-account="${member.email}"]`);
	await row.getByText(company.name).waitFor();
	await row.getByRole('button', { name: /^Actions for/ }).click();
	await admin.page.getByRole('menuitem', { name: 'Deactivate' }).click();
	await admin.page.getByRole('button', { name: /^Deactivate In Vitee/ }).click();
	await row.getByText('Deactivated').waitFor();
	await theirs.page.getByRole('button', { name: 'Sign in' }).waitFor();
	await row.getByRole('button', { name: /^Actions for/ }).click();
	await admin.page.getByRole('menuitem', { name: 'Activate' }).click();
	await row.getByText('Deactivated').waitFor({ state: 'hidden' });

	await admin.page.getByLabel('Search by name or address').fill(company.owner.email);
	const owner = admin.page.locator(`[data-account="${company.owner.email}"]`);
	await owner.getByRole('button', { name: /^Actions for/ }).click();
	await admin.page.getByRole('menuitem', { name: 'Delete' }).click();
	await admin.page.getByRole('button', { name: `Delete ${company.owner.email}` }).click();
	await admin.page.getByRole('alert').getByText(`${company.name} would be without a Super admin.`).waitFor();
	await admin.page.getByRole('button', { name: 'Cancel' }).click();
	admin.forgive(/409/);
	theirs.forgive(/401/);
	expect([...admin.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([admin.close(), theirs.close()]);
});

test('two admins press in the same instant: one decides, the other reads who it was, and both pages agree', async () => {
	const company = await portal.company();
	const path = `/admin/organizations?search=${encodeURIComponent(company.name)}`;
	const colleague = await portal.person({ firstName: 'Col', lastName: 'League' });
	await portal.admin.api.accounts.setPortalAdmin.mutate({ accountId: colleague.userId, isPortalAdmin: true });
	const [one, other] = [await open(portal.admin, path), await open(colleague, path)];
	await other.page.getByRole('button', { name: `Reject ${company.name}` }).click();
	// Neither is sent before both have been pressed: what one decides takes the other’s button away.
	const [bothPressed, press] = [Promise.withResolvers<void>(), new Set<Page>()];
	for (const { page } of [one, other]) {
		await page.route(/organizations\.(approve|reject)/, async (route) => {
			if (press.add(page).size === 2) bothPressed.resolve();
			await bothPressed.promise;
			await route.continue();
		});
	}
	await Promise.all([
		one.page.getByRole('button', { name: `Approve ${company.name}` }).click(),
		other.page.getByRole('button', { name: 'Reject the request' }).click()
	]);
	// Pressed is not decided yet.
	const decided = async () => {
		const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
		return snapshot.organization;
	};
	await expect.poll(async () => (await decided()).status).not.toBe('pending');
	const { status, decidedBy } = await decided();
	const loser = status === 'approved' ? other : one;
	await loser.page.getByText(`is ${status} already by ${decidedBy?.name} at`).waitFor();
	const badge = status === 'approved' ? 'Approved' : 'Rejected';
	for (const { page } of [one, other]) {
		const row = page.locator(`[data-organization="${company.name}"]`);
		await row.getByText(badge, { exact: true }).waitFor();
		await row.locator('dd', { hasText: decidedBy?.name ?? '?' }).waitFor();
	}
	loser.forgive(/409/);
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([one.close(), other.close()]);
});

test('an organization is created for a partner, who becomes its Super admin; it is deleted in seven days, or not', async () => {
	const name = unique('Partner');
	const email = uniqueEmail();
	const admin = await open(portal.admin, `/admin/organizations?search=${encodeURIComponent(name)}`);
	const { page } = admin;
	await page.getByRole('button', { name: 'Create for a partner' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Organization name').fill(name);
	await dialog.getByLabel('First name').fill('Pat');
	await dialog.getByLabel('Last name').fill('Ner');
	await dialog.getByLabel('E-mail of the first Super admin').fill('nobody');
	await dialog.getByRole('button', { name: 'Create and invite' }).click();
	await dialog.getByText('This is not an e-mail address that mail can be sent to.').waitFor();
	await dialog.getByLabel('E-mail of the first Super admin').fill(email);
	await dialog.getByRole('button', { name: 'Create and invite' }).click();
	const row = page.locator(`[data-organization="${name}"]`);
	await row.getByText('No Super admin').waitFor();
	const partner = portal.visitor();
	const token = await portal.tokenFor(email, 'invitations');
	const { slug } = await partner.api.invitations.accept.mutate({ token, password });
	await row.getByText('No Super admin').waitFor({ state: 'hidden' });

	const theirs = await open(partner, `/orgs/${slug}/settings`);
	await row.getByRole('button', { name: /^Actions for/ }).click();
	await page.getByRole('menuitem', { name: 'Delete' }).click();
	const confirm = page.getByRole('button', { name: 'Delete in seven days' });
	expect(await confirm.isDisabled()).toBe(true);
	await page.getByLabel('Type its name').fill(name);
	await confirm.click();
	await row.getByText(/^Deleted on \d{4}-\d\d-\d\d$/).waitFor();
	await theirs.page.getByText(`${name} will be deleted on`).first().waitFor();
	expect(await theirs.page.getByRole('button', { name: `Keep ${name}` }).count()).toBe(0);
	await row.getByRole('button', { name: `Keep ${name}` }).click();
	await theirs.page.getByText(`${name} will be deleted on`).first().waitFor({ state: 'hidden' });

	// Its Super admin may ask for the same, and take it back.
	await theirs.page.getByRole('button', { name: `Delete ${name}` }).click();
	await theirs.page.getByLabel('Type its name').fill(name);
	await theirs.page.getByRole('button', { name: 'Delete in seven days' }).click();
	await row.getByText(/^Deleted on/).waitFor();
	await theirs.page.getByRole('button', { name: `Keep ${name}` }).click();
	await row.getByText(/^Deleted on/).waitFor({ state: 'hidden' });
	admin.forgive(/400/);
	expect([...admin.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([admin.close(), theirs.close()]);
});

test('the overview’s figures move with what happens, also with what only organizations see', async () => {
	const company = await portal.company({ admin: portal.admin });
	const admin = await open(portal.admin, '/admin');
	const figure = (label: string) => admin.page.locator(`[data-figure="${label}"]`);
	const numberIn = async (label: string) =>
		Number((await figure(label).textContent())?.replaceAll(',', '') ?? NaN);
	const becomes = (label: string, value: number) =>
		figure(label)
			.filter({ hasText: sayNumber(value) })
			.waitFor();
	const labels = ['Pending requests', 'Members of organizations', 'Active credentials'] as const;
	const before = await Promise.all(labels.map(numberIn));
	const application = await portal.application(company);
	await becomes(labels[2], (before[2] ?? 0) + application.credentials.length);
	await portal.member(company);
	await becomes(labels[1], (before[1] ?? 0) + 1);
	await portal.company();
	await becomes(labels[0], (before[0] ?? 0) + 1);
	expect(await admin.page.title()).toMatch(/^\(\d+\) Overview/);
	expect(admin.complaints).toEqual([]);
	await admin.close();
});
