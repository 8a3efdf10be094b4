import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Portal } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

/** The list of members where there are many. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

test('a thousand members: found as one types, and no row moves under the pointer', async () => {
	const company = await portal.company({ admin: portal.admin });
	await portal.admin.api.settings.update.mutate({ maxMembers: 2000 });
	await portal.inDatabase(async (db) => {
		const people = Array.from({ length: 1000 }, (_, i) => ({
			email: `m${i}.${company.slug}@example.test`,
			passwordHash: 'none',
			firstName: i === 500 ? 'Zoë' : `Member${String(i).padStart(4, '0')}`,
			lastName: 'Of Many',
			status: 'active' as const,
			emailVerifiedAt: new Date()
		}));
		const accounts = await db
			.insertInto('account')
			.values(people)
			.returning(['id', 'firstName', 'lastName'])
			.execute();
		await db
			.insertInto('membership')
			.values(
				accounts.map(({ id: userId, firstName, lastName }) => ({
					organizationId: company.id,
					userId,
					firstName,
					lastName,
					role: 'team_member' as const
				}))
			)
			.execute();
	});
	const path = `/orgs/${company.slug}/users`;
	const person = await openAs(browser, portal.server.origin, company.owner, path);
	const { page } = person;
	await page.getByRole('button', { name: 'All 1,001' }).waitFor();
	const rows = page.locator('tbody tr');
	expect(await rows.count()).toBeLessThan(400);

	const search = page.getByLabel('Search by name or e-mail');
	/** From each key to the rows as they are painted then, in milliseconds. */
	const measure = () =>
		search.evaluate(async (input: HTMLInputElement) => {
			const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
			const measured: number[] = [];
			input.focus();
			for (const text of ['m', 'me', 'mem', 'memb', 'z', 'zo', 'zoe', '']) {
				const began = performance.now();
				input.value = text;
				input.dispatchEvent(new Event('input', { bubbles: true }));
				await painted();
				measured.push(performance.now() - began);
			}
			return measured;
		});
	// What a busy machine adds goes away when it is measured again; what the page costs stays.
	await expect.poll(async () => Math.max(...(await measure()))).toBeLessThan(300);
	await search.fill('ZOE of');
	await page.getByText('1 found').waitFor();
	await page.getByText('Zoë Of Many').waitFor();
	await search.fill('nobody at all');
	await page.getByText('Nobody found').waitFor();
	await page.getByRole('button', { name: 'Show all' }).click();
	await page.getByRole('button', { name: 'Super admins 1', exact: true }).click();
	await page.getByText('1 found').waitFor();
	expect(await rows.count()).toBe(1);
	await page.getByRole('button', { name: 'All 1,001' }).click();

	// More rows come when the end is in sight.
	await page.locator('[data-member^="m0."]').waitFor();
	await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
	await page.locator('[data-member^="m180."]').waitFor();
	await page.evaluate(() => window.scrollTo(0, 0));

	const early = await portal.invitation(company);
	await page.locator(`[data-invitation="${early.email}"]`).waitFor();
	// In sight as the page stands: a browser that has scrolled hides what moves by scrolling with it.
	const pointed = page.locator('[data-member^="m3."]');
	// What has the focus is brought into view, which may move the page: before anything is measured.
	await search.focus();
	await pointed.hover();
	expect(await page.evaluate(() => window.scrollY)).toBe(0);
	const before = await pointed.boundingBox();
	const arriving = await portal.invitation(company);
	const row = page.locator(`[data-invitation="${arriving.email}"]`);
	await page.getByRole('button', { name: 'Invited 2' }).waitFor();
	const { members } = await company.owner.api.members.list.query({
		organizationId: company.id,
		search: 'm2.'
	});
	const gone = members.find(({ email }) => email.startsWith('m2.'));
	await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: gone?.id ?? '' });
	await page.getByText('no longer here').waitFor();
	await company.owner.api.invitations.revoke.mutate({
		organizationId: company.id,
		invitationId: early.id
	});
	await expect.poll(() => page.getByText('no longer here').count()).toBe(2);
	expect(await pointed.boundingBox()).toEqual(before);
	expect(await search.evaluate((node) => node === document.activeElement)).toBe(true);
	await page.getByRole('heading', { name: /^Users/ }).hover();
	await expect.poll(() => page.getByText('no longer here').count()).toBe(0);
	await row.waitFor();
	// In its place, by name.
	expect(await rows.nth(1).getAttribute('data-invitation')).toBe(arriving.email);
	expect(person.complaints).toEqual([]);
	await person.close();
});
