import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPortal, type Company, type Portal, type Visitor } from '../factories.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, openAs } from './browser.ts';

/** What an organization's open page becomes when its reader is no longer in it. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

/** A page that has asked for all that it asks for when it comes: what is under way when its reader goes is refused. */
async function visit(as: Visitor, path: string) {
	const person = await openAs(browser, portal.server.origin, as, path);
	await person.page.waitForLoadState('networkidle');
	return person;
}
const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });
/** Everything that stands in the document, seen or not. */
const html = (page: Page) => page.evaluate(() => document.documentElement.outerHTML);

/** What the page asks the server for as page data, which for this organization is refused by now. */
function watchLoads(page: Page): string[] {
	const asked: string[] = [];
	page.on('request', (request) => {
		const url = new URL(request.url());
		// The account alone may be asked for again, as after a connection that was late.
		const isAccount = /^10*$/.test(url.searchParams.get('x-sveltekit-invalidated') ?? '');
		if (url.pathname.endsWith('__data.json') && !isAccount) asked.push(request.url());
	});
	return asked;
}

async function furnish() {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const application = await portal.application(company);
	return { company, member, application };
}

const paths: Record<string, (application: { id: string }) => string> = {
	'the dashboard': () => '',
	'an application': ({ id }) => `/applications/${id}`,
	'the list of users': () => '/users',
	'the activity': () => '/activity',
	'the settings': () => '/settings'
};

describe('removed with the page open', () => {
	test.each(Object.keys(paths))('on %s: by whom and when, at once, and nothing else stays', async (where) => {
		const { company, member, application } = await furnish();
		const person = await visit(member, `/orgs/${company.slug}${paths[where]?.(application)}`);
		const { page } = person;
		const loads = watchLoads(page);
		await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
		await heading(page, `You are no longer a member of ${company.name}`).waitFor();
		await page.getByText(`Dev ${company.owner.lastName} removed you just now`).waitFor();
		expect(loads).toEqual([]);
		await expect.poll(() => html(page)).not.toContain(application.name);
		const left = await html(page);
		for (const secret of [application.name, company.owner.email, application.credentials[0]?.lastFour ?? '…'])
			expect(left).not.toContain(secret);
		// What happens there now is not theirs to hear, and nothing brings the page back.
		await portal.application(company);
		await page.getByRole('button', { name: 'Choose an organization' }).click();
		const list = page.getByRole('listbox', { name: 'Organizations' });
		await list.getByText('Only you').waitFor();
		expect(await list.innerText()).not.toContain(company.name);
		await page.keyboard.press('Escape');
		await page.getByRole('link', { name: 'Go to the dashboard' }).click();
		await heading(page, 'Your personal space').waitFor();
		await page.getByRole('button', { name: /^Switch from/ }).click();
		await list.getByText('Only you').waitFor();
		await expect.poll(() => list.innerText()).not.toContain(company.name);
		expect(person.complaints).toEqual([]);
		await person.close();
	});

	test('the dashboard that was loaded ahead for a link under the pointer doesn’t lead back', async () => {
		const { company, member } = await furnish();
		const person = await visit(member, `/orgs/${company.slug}`);
		const { page } = person;
		const ahead = page.waitForResponse(/dashboard\/__data\.json/);
		await page.getByRole('link', { name: /, dashboard$/ }).hover();
		await ahead;
		await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
		await heading(page, `You are no longer a member of ${company.name}`).waitFor();
		await page.getByRole('link', { name: 'Go to the dashboard' }).click();
		await heading(page, 'Your personal space').waitFor();
		expect(person.complaints).toEqual([]);
		await person.close();
	});

	test('can be read by everybody, and an invitation brings the page back', async () => {
		const { company, member } = await furnish();
		const person = await visit(member, `/orgs/${company.slug}/activity`);
		const { page } = person;
		await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
		await heading(page, `You are no longer a member of ${company.name}`).waitFor();
		expect(await findAllProblems(page)).toEqual([]);
		await portal.invitation(company, { email: member.email });
		await page
			.getByRole('button', { name: `Accept the invitation to ${company.name}` })
			.first()
			.click();
		await heading(page, company.name).waitFor();
		expect(person.complaints).toEqual([]);
		await person.close();
	});
});

test('left on another page: this one says so', async () => {
	const { company, member } = await furnish();
	const [person, other] = [
		await visit(member, `/orgs/${company.slug}/users`),
		await visit(member, `/orgs/${company.slug}/settings`)
	];
	await other.page.getByRole('button', { name: 'Leave the organization' }).click();
	await other.page.getByRole('button', { name: `Leave ${company.name}` }).click();
	await heading(other.page, 'Your personal space').waitFor();
	await heading(person.page, `You are no longer a member of ${company.name}`).waitFor();
	await person.page.getByText('You left it on another page just now').waitFor();
	expect(await html(person.page)).not.toContain(company.owner.email);
	// The same is told whenever a page of it is opened again, and a stranger isn't told that it exists.
	person.forgive(/404/);
	for (const path of ['/users', '']) {
		await person.page.goto(`/orgs/${company.slug}${path}`);
		await heading(person.page, `You are no longer a member of ${company.name}`).waitFor();
		await person.page.getByText('You left it on another page').waitFor();
		expect(await html(person.page)).not.toContain(company.owner.email);
	}
	expect(await findAllProblems(person.page)).toEqual([]);
	const stranger = await visit(await portal.person(), '/dashboard/personal');
	stranger.forgive(/404/);
	await stranger.page.goto(`/orgs/${company.slug}`);
	await heading(stranger.page, 'There is nothing here').waitFor();
	expect(await html(stranger.page)).not.toContain(company.name);
	await stranger.close();
	expect([...person.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([person.close(), other.close()]);
});

test('a request that is withdrawn on another page', async () => {
	const company = await portal.company();
	const person = await visit(company.owner, `/orgs/${company.slug}`);
	await company.owner.api.organizations.withdraw.mutate({ organizationId: company.id });
	await heading(person.page, `The request for ${company.name} has been withdrawn`).waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('an organization that is suspended shows that it is, and nothing of what it holds', async () => {
	const { company, member, application } = await furnish();
	const person = await visit(member, `/orgs/${company.slug}/applications/${application.id}`);
	await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
	await heading(person.page, `${company.name} is suspended`).waitFor();
	// The title follows a moment after the page.
	await expect.poll(() => html(person.page)).not.toContain(application.name);
	await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
	await heading(person.page, application.name).waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

/** The seven days are over, and a process starts: what fell due is carried out. */
async function letDaysPass({ id }: Company) {
	await portal.inDatabase((db) =>
		db
			.updateTable('organization')
			.set({ deletesAt: new Date(Date.now() - 1000) })
			.where('id', '=', id)
			.execute()
	);
	await portal.server.restart();
}

test('an organization that is deleted', async () => {
	const { company, member, application } = await furnish();
	const person = await visit(member, `/orgs/${company.slug}/applications`);
	person.forgive(/ERR_CONNECTION_REFUSED|WebSocket|503/);
	await company.owner.api.organizations.scheduleDeletion.mutate({
		organizationId: company.id,
		name: company.name
	});
	await letDaysPass(company);
	// Its pages may come back to the server after it has gone, when nobody can say by whom.
	await person.page.getByRole('heading', { name: company.name }).waitFor();
	await person.page
		.getByText(/has been deleted/)
		.first()
		.waitFor();
	expect(await html(person.page)).not.toContain(application.name);
	await person.page.getByRole('link', { name: 'Go to your personal space' }).click();
	await heading(person.page, 'Your personal space').waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});
