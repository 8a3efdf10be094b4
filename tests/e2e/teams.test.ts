import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, type Company, type Portal, type Visitor } from '../factories.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, openAs } from './browser.ts';
import { choose, openSwitcher } from './keyboard.ts';

/** Several organizations of one person, and who comes and goes in one organization. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const approved = (name?: string) => portal.company({ admin: portal.admin, name });
const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor();

const visit = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

/** As it stands there now; of something that lies over the page, that alone. */
async function expectAccessible(page: Page, what: string, within?: string) {
	expect(await findAllProblems(page, { ...(within !== undefined && { within }) }), what).toEqual([]);
	await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
	await page.setViewportSize({ width: 1280, height: 800 });
}

const switcher = (page: Page) => page.getByRole('button', { name: /^Switch from/ });
const mark = (page: Page) => page.getByTestId('switcher-mark');

async function join(company: Company, email: string, by: Visitor) {
	const { id } = await portal.invitation(company, { email });
	await by.api.invitations.acceptMine.mutate({ invitationId: id });
}

test('the switcher: by keyboard alone, with marks that come and go by themselves, and nothing stays behind', async () => {
	const [first, second] = [await approved(unique('Adler Rail')), await approved(unique('Lumen Energy'))];
	const member = await portal.member(first, 'super_admin');
	await join(second, member.email, member);
	let seen: Promise<unknown> | undefined;
	const person = await openAs(browser, portal.server.origin, member, `/orgs/${second.slug}`, {
		prepare: async (opening) => {
			seen = opening.waitForResponse(/members\.see/);
		}
	});
	const { page } = person;
	await seen;
	await page.goto(`/orgs/${first.slug}/settings`);
	await isLive(page);
	await mark(page).waitFor({ state: 'hidden' });

	const asked: string[] = [];
	page.on('request', (request) => asked.push(request.url()));
	await portal.application(second);
	await mark(page).waitFor();
	expect(await switcher(page).innerText()).toContain('news in 1 organization');
	const ofSecond = asked.filter((one) => one.includes(second.slug) || one.includes(second.id));
	expect(ofSecond, 'loaded for the mark').toEqual([]);

	const field = page.getByLabel('Organization name');
	await field.fill('Typed for Adler Rail');
	await openSwitcher(page);
	await page.locator(`[data-news="${second.slug}"]`).waitFor();
	await expectAccessible(page, 'the open switcher', '[aria-label="Your organizations"]');
	await page.keyboard.type('nowhere');
	await page.getByText('You are in no organization of that name.').waitFor();
	for (let i = 0; i < 7; i++) await page.keyboard.press('Backspace');
	await page.keyboard.type('LUM');
	await page.getByRole('option', { name: /Adler Rail/ }).waitFor({ state: 'hidden' });
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: second.name, exact: true }).waitFor();
	await mark(page).waitFor({ state: 'hidden' });
	await page.getByRole('link', { name: 'Settings' }).first().click();
	await page.waitForURL(`**/orgs/${second.slug}/settings`);
	expect(await field.inputValue()).toBe(second.name);
	expect((await page.content()).includes(first.owner.email)).toBe(false);

	// Back over both: the field belongs to the organization that is there now.
	await page.evaluate(() => history.go(-2));
	await page.waitForURL(`**/orgs/${first.slug}/settings`);
	await page.getByRole('button', { name: 'Rename' }).waitFor();
	await expect.poll(() => field.inputValue()).toBe(first.name);
	expect((await page.content()).includes(second.owner.email)).toBe(false);

	await openSwitcher(page);
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('ArrowUp');
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: 'Your personal space' }).waitFor();
	await openSwitcher(page);
	await page.keyboard.press('Escape');
	await expect.poll(() => switcher(page).evaluate((node) => node === document.activeElement)).toBe(true);

	// The dashboard leads to where one was last.
	await page.getByRole('link', { name: /, dashboard$/ }).click();
	await page.getByRole('heading', { name: 'Your personal space' }).waitFor();

	// A page that the browser brings back from its memory is loaded anew.
	const loaded = page.waitForEvent('load');
	await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
	await loaded;
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('an invitation that waits: seen to arrive and to go, accepted in the switcher, declined on the dashboard', async () => {
	const [company, other] = [await approved(), await approved()];
	const invitee = await portal.person();
	const theirs = await visit(invitee, '/dashboard/personal');
	const owner = await visit(company.owner, `/orgs/${company.slug}/users`);
	const { page } = theirs;
	const card = (name: string) => page.locator(`main [data-waiting="${name}"]`);

	const taken = await portal.invitation(company, { email: invitee.email });
	await card(company.name).waitFor();
	await company.owner.api.invitations.revoke.mutate({ organizationId: company.id, invitationId: taken.id });
	await card(company.name).waitFor({ state: 'hidden' });

	await portal.invitation(other, { email: invitee.email, role: 'super_admin' });
	await portal.invitation(company, { email: invitee.email });
	await card(company.name).waitFor();
	await card(other.name)
		.getByText(/as Super admin, expires in [67] days/)
		.waitFor();
	await expectAccessible(page, 'the dashboard with invitations');
	await card(other.name)
		.getByRole('button', { name: `Decline the invitation to ${other.name}` })
		.click();
	await card(other.name)
		.getByRole('button', { name: `Decline to join ${other.name}` })
		.click();
	await card(other.name).waitFor({ state: 'hidden' });

	expect(await switcher(page).innerText()).toContain('1 invitation');
	await openSwitcher(page);
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: company.name, exact: true }).waitFor();
	await page.getByText(`You are a member of ${company.name} now`).waitFor();
	await owner.page.locator(`[data-member="${invitee.email}"]`).waitFor();
	await owner.page.locator(`[data-invitation="${invitee.email}"]`).waitFor({ state: 'hidden' });
	expect([...theirs.complaints, ...owner.complaints]).toEqual([]);
	await Promise.all([theirs.close(), owner.close()]);
});

test('editing and removing by keyboard alone; what the person knows is rotated, and the removal undone', async () => {
	const company = await approved();
	const member = await portal.member(company, 'super_admin');
	const application = await portal.application(company, member);
	const credentialId = application.credentials[0]?.id ?? '';
	await member.api.credentials.reveal.mutate({
		organizationId: company.id,
		applicationId: application.id,
		credentialId
	});
	const invited = await portal.invitation({ ...company, owner: member });
	const name = `${member.firstName} ${member.lastName}`;
	const person = await visit(company.owner, `/orgs/${company.slug}/users`);
	const theirs = await visit(member, `/orgs/${company.slug}/users`);
	const { page } = person;
	const chooseFor = async (whose: string, entry: string) => {
		await page.getByRole('button', { name: `Actions for ${whose}`, exact: true }).focus();
		await page.keyboard.press('Enter');
		await choose(page, entry);
	};
	const hasFocus = (label: string) =>
		expect.poll(() => page.getByLabel(label).evaluate((node) => node === document.activeElement)).toBe(true);

	await chooseFor(name, 'Edit');
	const dialog = page.getByRole('dialog');
	const permission = dialog.getByText('Edit names and roles, remove members');
	expect(await permission.innerText()).toContain('Yes:');
	expect(await dialog.getByLabel('E-mail').isEditable()).toBe(false);
	await hasFocus('First name');
	await page.keyboard.press('Tab');
	await page.keyboard.press('ControlOrMeta+a');
	await page.keyboard.type('Berglund');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await hasFocus('Role');
	await page.keyboard.press('ArrowUp');
	expect(await permission.innerText()).toContain('No:');
	await dialog.getByText('The open invitation that they sent is revoked.').waitFor();
	await expectAccessible(page, 'the dialog that edits', '[role=dialog]');
	await dialog.getByLabel('Role').focus();
	while (
		!(await dialog.getByRole('button', { name: 'Save' }).evaluate((node) => node === document.activeElement))
	)
		await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await dialog.waitFor({ state: 'hidden' });
	const renamed = `${member.firstName} Berglund`;
	await page.locator(`[data-member="${member.email}"]`).getByText(renamed).waitFor();
	await page.locator(`[data-invitation="${invited.email}"]`).waitFor({ state: 'hidden' });
	// At once on the page of the person themselves.
	await theirs.page.getByRole('button', { name: 'Invite new user' }).waitFor({ state: 'hidden' });

	await chooseFor(renamed, 'Remove');
	const asking = page.getByRole('alertdialog');
	await asking.getByText('They go on working until you rotate them').waitFor();
	await asking.getByRole('link', { name: application.name, exact: true }).waitFor();
	expect(await asking.getByRole('link', { name: `${application.name}: Default` }).count()).toBe(2);
	await asking.getByText('you invite them again').waitFor();
	await expectAccessible(page, 'the dialog that removes', '[role=alertdialog]');
	const remove = asking.getByRole('button', { name: `Remove ${renamed}` });
	while (!(await remove.evaluate((node) => node === document.activeElement)))
		await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await asking.waitFor({ state: 'hidden' });
	await page.locator(`[data-member="${member.email}"]`).waitFor({ state: 'hidden' });
	await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).not.toBe('BODY');
	// Undone by inviting again, with everything filled in; what offers it goes by itself.
	await page.getByRole('button', { name: 'Invite again' }).click();
	await theirs.page.getByRole('heading', { name: `You are no longer a member of ${company.name}` }).waitFor();
	expect(await dialog.getByLabel('Last name').inputValue()).toBe('Berglund');
	expect(await dialog.getByLabel('E-mail').inputValue()).toBe(member.email);
	await dialog.getByRole('button', { name: 'Send the invitation' }).click();
	await page.locator(`[data-invitation="${member.email}"]`).waitFor();

	// The list stays until it is done, also after loading anew.
	const exposed = page.getByTestId('exposed');
	await exposed.getByText(`seen by ${renamed}`).waitFor();
	await page.reload();
	await isLive(page);
	await exposed.getByRole('button', { name: `Rotate ${application.name}: Default` }).click();
	await dialog.getByLabel('The old secret stops working').selectOption({ label: 'Now' });
	await dialog.getByRole('button', { name: 'Rotate now', exact: true }).click();
	await exposed.waitFor({ state: 'hidden' });
	expect([...person.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([person.close(), theirs.close()]);
});

test('who leaves by themselves: what they know is on the Super admins’ dashboard at once', async () => {
	const company = await approved();
	const member = await portal.member(company);
	const application = await portal.application(company);
	const place = { organizationId: company.id, applicationId: application.id };
	const credentialId = application.credentials[0]?.id ?? '';
	await member.api.credentials.copy.mutate({ ...place, credentialId });
	const owner = await visit(company.owner, `/orgs/${company.slug}`);
	const theirs = await visit(member, `/orgs/${company.slug}/settings`);
	await theirs.page.getByRole('button', { name: 'Leave the organization' }).click();
	await theirs.page.getByRole('button', { name: `Leave ${company.name}` }).click();
	await theirs.page.getByRole('heading', { name: 'Your personal space' }).waitFor();
	await owner.page.getByTestId('exposed').getByText(application.name).waitFor();
	await owner.page
		.getByText('left the organization after seeing a credential that still works')
		.first()
		.waitFor();
	await expectAccessible(owner.page, 'the dashboard with credentials to rotate');
	// It goes by its present name.
	const name = unique('Renamed');
	await company.owner.api.applications.update.mutate({ ...place, name, description: '' });
	await owner.page.getByTestId('exposed').getByText(name).waitFor();
	expect([...owner.complaints, ...theirs.complaints]).toEqual([]);
	await Promise.all([owner.close(), theirs.close()]);
});
