import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, uniqueEmail, type Portal } from '../factories.ts';
import { insertProduct } from '../offers.ts';
import { getBrowser, openAs } from './browser.ts';

/** A browser whose clock is wrong: the server counts, and pages go by the server's time. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const hour = 3_600_000;

test.each([
	['40 days ahead', 40 * 24 * hour],
	['three hours behind', -3 * hour],
	['right', 0]
])('a clock that is %s', async (_, wrongBy) => {
	const company = await portal.company({ admin: portal.admin });
	const application = await portal.application(company);
	const { email } = await portal.invitation(company);
	const person = await openAs(browser, portal.server.origin, company.owner, `/orgs/${company.slug}/users`, {
		prepare: (page) => page.clock.install({ time: Date.now() + wrongBy })
	});
	const { page } = person;
	expect(Math.abs((await page.evaluate(() => Date.now())) - Date.now() - wrongBy)).toBeLessThan(600_000);

	// A good invitation is no expired one, was sent just now, and can be sent again within a minute.
	const row = page.locator(`[data-invitation="${email}"]`);
	await row.getByText(/^invited (just now|[123] minutes? ago)$/).waitFor();
	await row.getByText('Invited', { exact: true }).waitFor();
	expect(await row.getByText('Expired').count()).toBe(0);
	await row.getByRole('button', { name: /^Actions for/ }).click();
	const again = page.getByRole('menuitem', { name: /^Send again/ });
	await again.waitFor();
	expect(Number(/ (\d{1,9}) s/.exec(await again.innerText())?.[1] ?? 0)).toBeLessThanOrEqual(60);
	await page.keyboard.press('Escape');

	// The same of a list, where an answer says how long ago it was.
	const invited = uniqueEmail();
	await portal.invitation(company, { email: invited });
	await page.goto(`/orgs/${company.slug}/users/invite`);
	await page.getByLabel('People').fill(`First, Last, ${invited}`);
	await page.getByRole('button', { name: 'Check the list' }).click();
	await page.getByRole('button', { name: /^Send 1 / }).click();
	const listed = page.locator(`[data-invitee="${invited}"]`);
	await listed.getByText('Already invited').waitFor();
	const button = listed.getByRole('button', { name: /^Send (the invitation|again)/ });
	expect(Number(/ (\d{1,9}) s/.exec(await button.innerText())?.[1] ?? 0)).toBeLessThanOrEqual(60);

	// Whoever chooses 30 days gets 30 days.
	await page.goto(`/orgs/${company.slug}/applications/${application.id}`);
	await page.getByRole('button', { name: 'New credential' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Label').fill('Thirty days');
	await dialog.getByLabel('Expires').selectOption({ label: 'In 30 days' });
	await dialog.getByRole('button', { name: 'Create the credential' }).click();
	await page.getByText(/expires\s+in (29|30) days/).waitFor();
	await page.getByText('Active, expires').waitFor();
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	const made = snapshot.applications[0]?.credentials.find(({ label }) => label === 'Thirty days');
	expect(Date.parse(made?.expiresAt ?? '') - Date.now()).toBeGreaterThan(30 * 24 * hour - 600_000);
	expect(Date.parse(made?.expiresAt ?? '') - Date.now()).toBeLessThanOrEqual(30 * 24 * hour);

	// A colleague who has just gone was here just now.
	const colleague = await portal.member(company);
	const theirs = await openAs(browser, portal.server.origin, colleague, `/orgs/${company.slug}`);
	await page.goto(`/orgs/${company.slug}/users`);
	const member = page.locator(`[data-member="${colleague.email}"]`);
	await member.getByText('Online', { exact: true }).waitFor();
	await theirs.close();
	await member
		.getByText(/just now|seconds? ago/)
		.first()
		.waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('what has just ended on the server has ended on an open page, however far behind its own idea of the time is', async () => {
	const company = await portal.company({ admin: portal.admin });
	const application = await portal.application(company);
	const { slug, plans, name } = await insertProduct(portal);
	const [organizationId, applicationId] = [company.id, application.id];
	const request = { organizationId, applicationId, product: slug, planId: plans.Trial ?? '' };
	const { granted } = await company.owner.api.accesses.request.mutate(request);
	const path = `/orgs/${company.slug}/applications/${applicationId}`;
	const person = await openAs(browser, portal.server.origin, company.owner, path);
	const { page } = person;
	const row = page.getByRole('listitem').filter({ hasText: name });
	await row.getByText('Has access', { exact: true }).waitFor();
	await page.clock.setFixedTime(Date.now() - 2000);
	await company.owner.api.accesses.endOwn.mutate({ organizationId, accessId: granted?.id ?? '' });
	await row.getByText('Ended', { exact: true }).waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});
