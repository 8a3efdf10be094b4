import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, unique, type Company, type Portal, type Visitor } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';
import { createCut } from './cut.ts';

/** "Activity" as a portal admin and a member narrow it, with script and without, and take it along. */

let browser: Browser;
let portal: Portal;
let company: Company;
let other: Company;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), startPortal()]);
	company = await portal.company({ admin: portal.admin, name: unique('Northwind') });
	other = await portal.company({ admin: portal.admin, name: unique('Lumen') });
	await portal.application(company);
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string, options: Parameters<typeof openAs>[4] = {}) =>
	openAs(browser, portal.server.origin, as, path, options);

const line = (text: string) => ({ hasText: text });

test('a portal admin picks an organization and a kind, sees what fits arrive, and exports just that', async () => {
	const admin = await open(portal.admin, '/admin/activity');
	const { page } = admin;
	const lines = page.getByRole('listitem');
	await page.getByRole('combobox', { name: 'Organization' }).fill(company.name.slice(0, 12));
	await page.getByRole('option', { name: company.name }).waitFor();
	await page.keyboard.press('Enter');
	await page.waitForURL(/organization=/);
	await page.getByText('3 entries fit').waitFor();
	await page.getByLabel('Kind').selectOption('Applications');
	await page.getByText('1 entry fits').waitFor();

	// What fits comes by itself; what doesn't stays away, though it came first.
	await portal.application(other);
	const { name } = await portal.application(company);
	await lines.filter(line(`created the application ${name}`)).waitFor();
	await page.getByText('2 entries fit').waitFor();
	const main = page.getByRole('main');
	expect(await main.getByText(other.name).count()).toBe(0);
	expect(await main.getByRole('link', { name: company.name }).first().getAttribute('href')).toBe(
		`/admin/organizations/${company.id}`
	);

	await page.getByRole('button', { name: 'Export' }).click();
	const [download] = await Promise.all([
		page.waitForEvent('download'),
		page.getByRole('menuitem', { name: 'CSV' }).click()
	]);
	expect(download.suggestedFilename()).toMatch(/^activity-[\d-]+\.csv$/);
	const csv = await readFile(await download.path(), 'utf8');
	expect(csv.trim().split('\r\n')).toHaveLength(3);
	expect(csv).toContain(`created the application ${name}`);
	expect(csv).not.toContain(other.name);

	// The address alone brings the same page back; another person's name narrows it to them.
	await page.reload();
	await page.getByText('2 entries fit').waitFor();
	expect(await page.getByRole('combobox', { name: 'Organization' }).inputValue()).toBe(company.name);
	await page.getByRole('button', { name: `Every organization instead of ${company.name}` }).click();
	await lines.filter(line(other.name)).first().waitFor();
	await page.getByLabel('To', { exact: true }).fill('2021-01-01');
	await page.getByRole('button', { name: 'Apply' }).click();
	await page.getByText('Nothing fits').waitFor();
	await page.getByRole('link', { name: 'Show everything' }).click();
	await lines.filter(line(`approved the organization ${company.name}`)).waitFor();
	// One that this page has never heard of is named as well.
	const late = await portal.company({ name: unique('Latecomer') });
	const link = lines.filter(line(`${late.owner.lastName} asked`)).getByRole('link', { name: late.name });
	expect(await link.getAttribute('href')).toBe(`/admin/organizations/${late.id}`);
	expect(admin.complaints).toEqual([]);
	await admin.close();
});

test('a portal admin sees what only an organization or a personal space is told, live and after an absence', async () => {
	const connection = createCut();
	const admin = await open(portal.admin, '/admin/activity', { prepare: connection.wire });
	const { page } = admin;
	const lines = page.getByRole('main').getByRole('listitem');
	const reveal = async () => {
		const { id: applicationId, name, credentials } = await portal.application(company);
		const credentialId = credentials[0]?.id ?? '';
		await company.owner.api.credentials.reveal.mutate({
			organizationId: company.id,
			applicationId,
			credentialId
		});
		return lines.filter(line(`revealed the credential “Default”`)).filter(line(name));
	};
	const revealed = await reveal();
	await revealed.waitFor();
	expect(await revealed.getByRole('link', { name: company.name }).getAttribute('href')).toBe(
		`/admin/organizations/${company.id}`
	);
	const loner = await portal.person();
	const { organizations } = await loner.api.sessions.get.query({});
	const space = { ...company, id: organizations[0]?.id ?? '', owner: loner };
	const own = lines.filter(line((await portal.application(space)).name));
	await own.getByText('Personal space').waitFor();
	// The person's name leads on; a personal space has no page.
	expect(await own.getByRole('link').allTextContents()).toEqual([`${loner.firstName} ${loner.lastName}`]);

	await connection.cut();
	await page.getByText('Not live', { exact: true }).waitFor();
	const missed = await reveal();
	await missed.waitFor();
	connection.mend();
	await page.getByText('Live', { exact: true }).waitFor();
	await missed.waitFor();
	// On the page of the organization it is told as well.
	await page.getByRole('link', { name: company.name }).first().click();
	await page.getByRole('heading', { name: 'What happened' }).waitFor();
	await missed.waitFor();
	await (await reveal()).waitFor();
	await page.getByRole('link', { name: 'All activity' }).click();
	await page.waitForURL(/activity\?organization=/);
	await missed.waitFor();
	admin.forgive(/WebSocket/);
	expect(admin.complaints).toEqual([]);
	await admin.close();
});

test('a form without script finds the same, and asks which one where several are called so', async () => {
	const admin = await open(portal.admin, '/admin/activity', { hasScript: false });
	const { page } = admin;
	await page.getByLabel('Organization', { exact: true }).fill(company.name.toLowerCase());
	await page.getByLabel('Kind').selectOption('Organizations');
	await page.getByRole('button', { name: 'Apply' }).click();
	await page.getByText('2 entries fit').waitFor();
	await page.getByLabel('Person').fill('eloper');
	await page.getByRole('button', { name: 'Apply' }).click();
	await page.getByText('Several fit. Which one?').waitFor();
	await page.getByRole('listitem').filter(line(company.owner.email)).getByRole('link').click();
	await page.getByText('1 entry fits').waitFor();
	await page.getByText(`asked for the organization ${company.name}`).waitFor();
	await page.getByLabel('Person').fill('nobody is called so');
	await page.getByRole('button', { name: 'Apply' }).click();
	await page.getByText('Nothing found for “nobody is called so”.').waitFor();
	await admin.close();
});

test('a member narrows the organization’s own activity and goes on to older entries', async () => {
	const member = await portal.member(company);
	for (let made = 0; made < 26; made++) {
		const { id: applicationId } = await portal.application(company, member);
		await member.api.applications.delete.mutate({ organizationId: company.id, applicationId });
	}
	const theirs = await open(member, `/orgs/${company.slug}/activity?kind=application`);
	const { page } = theirs;
	const lines = page.getByRole('main').getByRole('listitem');
	await page.getByRole('combobox', { name: 'Person' }).fill(member.email);
	await page.getByRole('option', { name: member.email }).click();
	await page.getByText('52 entries fit').waitFor();
	expect(await lines.count()).toBe(50);
	await page.getByRole('button', { name: 'Show older' }).click();
	await expect.poll(() => lines.count()).toBe(52);
	await page.getByRole('button', { name: 'Show older' }).waitFor({ state: 'hidden' });
	await portal.application(company, member);
	await page.getByText('53 entries fit').waitFor();
	expect(await lines.count()).toBe(53);
	expect(theirs.complaints).toEqual([]);
	await theirs.close();
});

/** Many entries at once: an organization whose owner invites a hundred people by each call. */
async function inviteMany(large: Company, batch: number) {
	const many = 2000;
	const limits = {
		maxMembers: many,
		maxOpenInvitations: many,
		invitationsPerDay: many,
		invitationsPerInviter: many
	};
	if (batch === 0) await portal.admin.api.settings.update.mutate(limits);
	await large.owner.api.invitations.createMany.mutate({
		organizationId: large.id,
		rows: Array.from({ length: 100 }, (_, i) => ({
			firstName: 'Guest',
			lastName: `No ${batch}-${i}.`,
			email: `guest-${batch}-${i}@${large.slug}.test`,
			role: 'team_member' as const
		}))
	});
}

test('a page that begins anew while older entries are on their way has no hole', async () => {
	const { admin } = portal;
	const large = await portal.company({ admin, name: unique('Large') });
	// Nothing is told of e-mails that have gone out.
	portal.smtp.pause();
	await inviteMany(large, 0);
	const connection = createCut();
	const older = /activity\.listPortal.*after%22%3A%7B/;
	let letGo = () => {};
	const held = new Promise<void>((resolve) => (letGo = resolve));
	const watching = await open(admin, `/admin/activity?organization=${large.id}&kind=invitation`, {
		async prepare(page) {
			await connection.wire(page);
			await page.route(older, async (route) => {
				await held;
				await route.continue();
			});
		}
	});
	const { page } = watching;
	const lines = page.getByRole('main').getByRole('listitem');
	const asked = page.waitForRequest(older);
	await page.getByRole('button', { name: 'Show older' }).click();
	await asked;
	await connection.cut();
	await page.getByText('Not live', { exact: true }).waitFor();
	await inviteMany(large, 1);
	connection.mend();
	await lines.filter(line('No 1-99.')).first().waitFor();
	letGo();

	const shown = async () => {
		const texts = await lines.filter(line('invited')).allTextContents();
		return texts.map((text) => /No [\d-]+/.exec(text)?.[0]);
	};
	const everybody = [1, 0].flatMap((batch) => Array.from({ length: 100 }, (_, i) => `No ${batch}-${99 - i}`));
	await expect.poll(async () => (await shown()).length).toBeGreaterThan(60);
	const names = await shown();
	expect(names).toEqual(everybody.slice(0, names.length));
	portal.smtp.resume();
	watching.forgive(/WebSocket/);
	expect(watching.complaints).toEqual([]);
	await watching.close();
});

test('of what comes while a page asks again, more than an answer holds, each entry is there once, in order and with its place', async () => {
	const { admin } = portal;
	const large = await portal.company({ admin, name: unique('Large') });
	portal.smtp.pause();
	const connection = createCut();
	const watching = await open(admin, '/admin/activity', { prepare: connection.wire });
	const { page } = watching;
	const lines = page.getByRole('main').getByRole('listitem');
	/** Has the page ask again, and keeps the answer back while something happens. */
	async function askAgainDuring(happens: () => Promise<unknown>) {
		let letGo = () => {};
		const held = new Promise<void>((resolve) => (letGo = resolve));
		const first = /activity\.listPortal(?!.*after%22%3A%7B)/;
		await page.route(first, async (route) => {
			await held;
			await route.fallback();
		});
		const asked = page.waitForRequest(first);
		await connection.cut();
		await asked;
		connection.mend();
		await page.getByText('Live', { exact: true }).waitFor();
		await happens();
		letGo();
	}
	await askAgainDuring(async () => {
		await inviteMany(large, 0);
		await lines.filter(line('No 0-99.')).waitFor();
	});
	const application = await portal.application(other);
	await lines.filter(line(application.name)).first().waitFor();
	const invited = await lines.filter(line(`@${large.slug}.test`)).allTextContents();
	const names = invited.map((text) => /No [\d-]+/.exec(text)?.[0]);
	expect(names).toEqual(Array.from({ length: 100 }, (_, i) => `No 0-${99 - i}`));
	// What the answer leads on to stands there already: what is older is brought all the same.
	const before = await lines.count();
	await page.getByRole('button', { name: 'Show older' }).click();
	await expect.poll(() => lines.count()).toBeGreaterThan(before);

	// One that the page hasn't heard of, and that the answer, which is full of others, doesn't name.
	const name = unique('Unheard');
	await askAgainDuring(async () => {
		await portal.application(await portal.company({ admin, name }));
		await inviteMany(large, 1);
		await lines.filter(line('No 1-99.')).waitFor();
	});
	for (let pages = 0; pages < 2; pages += 1) {
		const answered = page.waitForResponse(/activity\.listPortal.*after%22%3A%7B/);
		await page.getByRole('button', { name: 'Show older' }).click();
		await answered;
	}
	await page.getByRole('main').getByRole('link', { name }).first().waitFor();
	portal.smtp.resume();
	watching.forgive(/WebSocket/);
	expect(watching.complaints).toEqual([]);
	await watching.close();
});

test('a page that is left open begins anew after a thousand entries, and leads on to the others', async () => {
	const { admin } = portal;
	const large = await portal.company({ admin, name: unique('Large') });
	// Nothing is told of e-mails that have gone out.
	portal.smtp.pause();
	const watching = await open(admin, '/admin/activity');
	const { page } = watching;
	const lines = page.getByRole('main').getByRole('listitem');
	// Counted when the last of a batch is there: what a busy page shows in between says nothing.
	let before = 0;
	let shown = 0;
	for (let batch = 0; batch < 11 && shown >= before; batch++) {
		before = shown;
		await inviteMany(large, batch);
		await lines
			.filter(line(`No ${batch}-99.`))
			.first()
			.waitFor();
		shown = await lines.count();
	}
	expect(before).toBeGreaterThan(500);
	// Nothing more happens: what it has begun is all that can make it shorter.
	await expect.poll(() => lines.count()).toBeLessThan(before);
	const few = await lines.count();
	await page.getByRole('button', { name: 'Show older' }).click();
	await expect.poll(() => lines.count()).toBeGreaterThan(few);
	const invited = await lines.filter(line(`@${large.slug}.test`)).allTextContents();
	const names = invited.map((text) => /No [\d-]+/.exec(text)?.[0]);
	const [last = 0] = /\d+/.exec(names[0] ?? '')?.map(Number) ?? [];
	const everybody = Array.from(
		{ length: (last + 1) * 100 },
		(_, i) => `No ${last - Math.floor(i / 100)}-${99 - (i % 100)}`
	);
	expect(names).toEqual(everybody.slice(0, names.length));
	portal.smtp.resume();
	expect(watching.complaints).toEqual([]);
	await watching.close();
});
