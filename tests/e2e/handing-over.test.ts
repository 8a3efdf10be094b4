import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Portal, type Visitor } from '../factories.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, openAs } from './browser.ts';
import { choose } from './keyboard.ts';

/** What goes from one person, and from one organization, to another. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const approved = (name?: string) => portal.company({ admin: portal.admin, name });

const visit = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

/** As it stands there now; of something that lies over the page, that alone. */
async function expectAccessible(page: Page, what: string, within?: string) {
	expect(await findAllProblems(page, { ...(within !== undefined && { within }) }), what).toEqual([]);
	await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
	await page.setViewportSize({ width: 1280, height: 800 });
}

test('the lead is handed over in one step: both pages change at once, and who has gone meanwhile is said', async () => {
	const company = await approved();
	const [heir, leaver] = [await portal.member(company), await portal.member(company)];
	const invited = await portal.invitation(company);
	const path = `/orgs/${company.slug}/users`;
	const [mine, theirs] = [await visit(company.owner, path), await visit(heir, path)];
	const { page } = mine;
	const nameOf = ({ firstName, lastName }: { firstName: string; lastName: string }) =>
		`${firstName} ${lastName}`;
	const chooseFor = async (whose: string) => {
		await page.getByRole('button', { name: `Actions for ${whose}`, exact: true }).focus();
		await page.keyboard.press('Enter');
		await choose(page, 'Hand the lead over');
	};
	const asking = page.getByRole('alertdialog');
	const confirm = asking.getByRole('button', { name: /^Make .* Super admin and me Team member$/ });

	await chooseFor(nameOf(leaver));
	await leaver.api.members.leave.mutate({ organizationId: company.id });
	await page.locator(`[data-member="${leaver.email}"]`).waitFor({ state: 'hidden' });
	await confirm.click();
	await asking.getByText('This person is no member here, so nothing was changed.').waitFor();
	await page.keyboard.press('Escape');
	await asking.waitFor({ state: 'hidden' });
	mine.forgive(/404/);

	await chooseFor(nameOf(heir));
	await asking.getByRole('heading', { name: `Hand the lead over to ${nameOf(heir)}?` }).waitFor();
	await asking.getByText('The open invitation that you sent is revoked.').waitFor();
	await expectAccessible(page, 'the dialog that hands over', '[role=alertdialog]');
	await confirm.focus();
	// What is said in passing goes again after some seconds: whoever waits for it begins before the press.
	await Promise.all([
		page.getByText(`${nameOf(heir)} is Super admin now, and you are a Team member`).waitFor(),
		theirs.page
			.getByText(`made ${nameOf(heir)} Super admin and themselves Team member`)
			.first()
			.waitFor(),
		page.keyboard.press('Enter')
	]);
	await asking.waitFor({ state: 'hidden' });
	const roleOf = (on: Page, { email }: { email: string }, role: string) =>
		on.locator(`[data-member="${email}"]`).getByText(role, { exact: true }).waitFor();
	for (const on of [page, theirs.page]) {
		await roleOf(on, heir, 'Super admin');
		await roleOf(on, company.owner, 'Team member');
		await on.locator(`[data-invitation="${invited.email}"]`).waitFor({ state: 'hidden' });
	}
	await theirs.page.getByRole('button', { name: 'Invite new user' }).waitFor();
	await page.getByRole('button', { name: 'Invite new user' }).waitFor({ state: 'hidden' });
	await page
		.getByRole('button', { name: `Actions for ${nameOf(heir)}`, exact: true })
		.waitFor({ state: 'hidden' });
	await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).not.toBe('BODY');
	expect([...mine.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([mine.close(), theirs.close()]);
});

test('an application goes from the personal space to an organization, and the page that shows it leads on', async () => {
	const company = await approved();
	const mover = await portal.member(company);
	const space = await portal.space(mover);
	const application = await portal.application(space);
	const taken = await portal.application(company);
	const path = `/orgs/${space.slug}/applications/${application.id}`;
	const mine = await visit(mover, path);
	// What this tab asks of the application stays on its way until there is none here any more.
	const isUsage = /\/trpc\/[^?]*\busage\.get\b/;
	const [asked, moved] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	const otherTab = await openAs(browser, portal.server.origin, mover, path, {
		prepare: async (tab) => {
			await tab.route(isUsage, async (route) => {
				asked.resolve();
				await moved.promise;
				await route.continue();
			});
		}
	});
	await asked.promise;
	const theirs = await visit(company.owner, `/orgs/${company.slug}/applications`);
	const { page } = mine;
	await page.getByRole('button', { name: 'Move to an organization' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByText(`Every member of ${company.name} sees it from then on`).waitFor();
	const move = dialog.getByRole('button', { name: `Move to ${company.name}` });
	await dialog.getByLabel('Name there').fill(taken.name);
	await move.click();
	await dialog.getByText(`There is already an application with the name ${taken.name}.`).waitFor();
	mine.forgive(/409/);
	await expectAccessible(page, 'the dialog that moves', '[role=dialog]');
	await dialog.getByLabel('Name there').fill('Moved here');
	await Promise.all([
		page.getByText(`Moved here belongs to ${company.name} now`).waitFor(),
		theirs.page.getByText('brought the application Moved here from their personal space').first().waitFor(),
		move.click()
	]);
	await page.waitForURL(`**/orgs/${company.slug}/applications/${application.id}`);
	await page.getByRole('heading', { name: 'Moved here' }).waitFor();
	// What belongs to a company goes nowhere.
	expect(await page.getByRole('button', { name: 'Move to an organization' }).count()).toBe(0);
	await theirs.page.getByRole('link', { name: 'Moved here' }).waitFor();
	await otherTab.page.getByText(`This application belongs to ${company.name} now`).waitFor();
	const refused = otherTab.page.waitForResponse(isUsage);
	moved.resolve();
	expect(await (await refused).text()).toContain('"httpStatus":404');
	await otherTab.page.getByRole('link', { name: `Open it in ${company.name}` }).click();
	await otherTab.page.getByRole('heading', { name: 'Moved here' }).waitFor();
	expect([...mine.complaints, ...otherTab.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([mine.close(), otherTab.close(), theirs.close()]);
});
