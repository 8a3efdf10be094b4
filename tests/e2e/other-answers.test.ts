import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, type Portal } from '../factories.ts';
import { getBrowser, newPerson, openAs, type Person } from './browser.ts';
import { createCut } from './cut.ts';

/** What stands between a page and the portal answers in its place: never shown as an error of a parser. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const answers = [200, 401, 403, 404, 413, 429, 500, 502, 503];

/**
 * From now on a proxy answers what the page's script asks for; a page that is opened comes from the portal, and so does
 * the account that an error page is drawn with: without it, SvelteKit has the browser open the page.
 */
async function putInTheWay(page: Page, status: number): Promise<void> {
	const isAsked = ({ pathname, searchParams }: URL) =>
		pathname.startsWith('/trpc/') ||
		pathname === '/login' ||
		(pathname.endsWith('__data.json') && searchParams.get('x-sveltekit-invalidated') !== '1');
	await page.route(isAsked, (route) =>
		route.request().resourceType() === 'document'
			? route.continue()
			: route.fulfill({
					status,
					contentType: 'text/html',
					body: `<html><body><h1>${status} of a proxy</h1></body></html>`
				})
	);
}

const notNow = /can’t be reached at the moment|between you and the portal/;
async function expectWords(page: Page) {
	const shown = await page.locator('body').innerText();
	expect(shown).not.toMatch(/JSON|Unexpected|Error: \d|Internal Error|of a proxy|DOCTYPE/);
}

test.each(answers)('a page in place of an answer, with status %i', async (status) => {
	const company = await portal.company({ admin: portal.admin });
	const person = await openAs(browser, portal.server.origin, company.owner, `/orgs/${company.slug}/settings`);
	person.forgive(/./);
	const { page } = person;
	await page.waitForLoadState('networkidle');
	await putInTheWay(page, status);
	// A call.
	await page.getByLabel('Organization name').fill('Another name');
	await page.getByRole('button', { name: 'Rename' }).click();
	await page.getByText(notNow).first().waitFor();
	expect(await page.getByLabel('Organization name').inputValue()).toBe('Another name');
	await expectWords(page);
	// The data of another page.
	await page.getByRole('link', { name: 'Activity' }).first().click();
	await page.getByRole('heading', { name: 'The portal can’t be reached' }).waitFor();
	await page.getByRole('button', { name: 'Try again' }).waitFor();
	await expectWords(page);
	await person.close();

	// A form, by somebody who isn't signed in.
	const visitor = await newPerson(browser, portal.server.origin);
	visitor.forgive(/./);
	await visitor.page.goto('/login', { waitUntil: 'networkidle' });
	await putInTheWay(visitor.page, status);
	await visitor.page.getByLabel('E-mail').fill('somebody@example.test');
	await visitor.page.getByLabel('Password', { exact: true }).fill('a long enough password');
	await visitor.page.getByRole('button', { name: 'Sign in' }).click();
	await visitor.page.getByRole('alert').getByText(notNow).waitFor();
	expect(await visitor.page.getByLabel('E-mail').inputValue()).toBe('somebody@example.test');
	await expectWords(visitor.page);
	await visitor.close();
});

const isData = /\/__data\.json/;
type Answer = Parameters<Route['fulfill']>[0] | 'nothing';

/** What the page asks for its data is answered so until the returned function is called, which waits until it has asked again. */
async function answerData(page: Page, answer: Answer) {
	let asked = 0;
	await page.route(isData, async (route) => {
		asked += 1;
		await (answer === 'nothing' ? route.abort() : route.fulfill(answer));
	});
	return async () => {
		// The first time news make it ask; the second one is its own wish, since nothing came.
		await expect.poll(() => asked).toBeGreaterThan(1);
		await page.getByText('Not connected', { exact: true }).waitFor();
		await expectWords(page);
		await page.unroute(isData);
	};
}

const html = 'text/html';
const json = 'application/json';
const instead: Answer[] = [
	'nothing',
	...[200, 404, 502].map((status) => ({ status, contentType: html, body: `${status} of a proxy` })),
	...[200, 404].map((status) => ({ status, contentType: json, body: '{"message":"no route"}' })),
	{ status: 200, contentType: json, body: '' },
	{ status: 200, contentType: json, body: '{"type":"data","nodes":[{"type":"da' }
];

test('whatever comes in place of its data, the open page stays, and is current afterwards', async () => {
	const mark = unique('Stäy ing').replace(' ', '');
	const path = `/admin/users?search=${encodeURIComponent(mark)}`;
	const person = await openAs(browser, portal.server.origin, portal.admin, path);
	person.forgive(/Failed to load resource/);
	const { page } = person;
	await page.evaluate(() => Object.assign(window, { isSame: true }));
	for (const answer of instead) {
		const mend = await answerData(page, answer);
		const { email } = await portal.person({ lastName: mark });
		await mend();
		await page.locator(`[data-account="${email}"]`).waitFor();
		await page.getByText('Live', { exact: true }).waitFor();
	}
	expect(await page.evaluate(() => 'isSame' in window)).toBe(true);
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('what is told while the data of the page don’t come is shown all the same', async () => {
	const company = await portal.company({ admin: portal.admin });
	const cut = createCut();
	const path = `/orgs/${company.slug}/applications`;
	const person = await openAs(browser, portal.server.origin, company.owner, path, { prepare: cut.wire });
	person.forgive(/Failed to load resource|WebSocket/);
	const { page } = person;
	const mend = await answerData(page, { status: 500, contentType: json, body: '{"message":"no"}' });
	await portal.company({ owner: company.owner });
	await page.getByText('Not connected', { exact: true }).waitFor();
	await cut.cut();
	const { name } = await portal.application(company);
	cut.mend();
	await page.getByRole('main').getByText(name).first().waitFor();
	await mend();
	await page.getByText('Live', { exact: true }).waitFor();
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('removed while the data of the page don’t come, and on a page that says so', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const cut = createCut();
	const path = `/orgs/${company.slug}/users`;
	const person = await openAs(browser, portal.server.origin, member, path, { prepare: cut.wire });
	person.forgive(/Failed to load resource|WebSocket/);
	const { page } = person;
	await page.evaluate(() => Object.assign(window, { isSame: true }));
	const mend = await answerData(page, 'nothing');
	await portal.company({ owner: member, admin: portal.admin });
	await mend();
	const { organizationId, memberId } = { organizationId: company.id, memberId: member.memberId };
	await company.owner.api.members.remove.mutate({ organizationId, memberId });
	await page.getByRole('heading', { name: `You are no longer a member of ${company.name}` }).waitFor();
	await page.getByText('Live', { exact: true }).waitFor();
	expect(await page.evaluate(() => 'isSame' in window)).toBe(true);

	// Invited again, and in it again while the page hears nothing.
	const { id: invitationId } = await portal.invitation(company, { email: member.email });
	await cut.cut();
	await page.getByText('Live', { exact: true }).waitFor({ state: 'hidden' });
	await member.api.invitations.acceptMine.mutate({ invitationId });
	cut.mend();
	await page.getByRole('heading', { name: 'Users' }).waitFor();
	await page.getByText('Live', { exact: true }).waitFor();
	expect(await page.evaluate(() => 'isSame' in window)).toBe(true);
	const joined = await company.owner.api.organizations.open.query({ slug: company.slug });
	const again = joined.snapshot.members.find(({ userId }) => userId === member.userId);
	await company.owner.api.members.remove.mutate({ organizationId, memberId: again?.id ?? '' });
	await page.getByRole('heading', { name: `You are no longer a member of ${company.name}` }).waitFor();

	// Opened by its address it is an error page, which has no data of its own to keep.
	await page.goto(`/orgs/${company.slug}`);
	await page.getByText('Live', { exact: true }).waitFor();
	await page.evaluate(() => Object.assign(window, { isSame: true }));
	const isAway = [/\/trpc\/|__data\.json/, new RegExp(`/orgs/${company.slug}(/__data|$)`)];
	for (const away of isAway) {
		const { promise: isAsked, resolve: noteAsked } = Promise.withResolvers<void>();
		await page.route(away, (route) => {
			noteAsked();
			return route.fulfill({ status: 502, contentType: html, body: '502 of a proxy' });
		});
		await portal.company({ owner: member, admin: portal.admin });
		await isAsked;
		await page.getByText('Not connected', { exact: true }).waitFor();
		await page.unroute(away);
		await page.getByText('Live', { exact: true }).waitFor();
	}
	expect(await page.evaluate(() => 'isSame' in window)).toBe(true);
	expect(person.complaints).toEqual([]);
	await person.close();
});

/** As within the moment after one was led away, which a busy machine may miss. */
const stayHere = ({ context }: Person, port: number) =>
	context.addCookies([{ name: 'portico_moved', value: '1', url: `http://127.0.0.1:${port}` }]);

test('the portal under another name leads to its own address, where one can sign in', async () => {
	const someone = await portal.person();
	const { origin, port } = portal.server;
	const person = await newPerson(browser, `http://127.0.0.1:${port}`);
	const { page } = person;
	await page.goto('/login?next=%2Fprofile');
	expect(page.url()).toBe(`${origin}/login?next=%2Fprofile`);
	// A moment later the page is shown there, for the sake of proxies that would lead in circles: it says where to go.
	await stayHere(person, port);
	person.forgive(/403|WebSocket/);
	// Its form is the script's from here on: pressed before that, the browser shows the words as a page, tried below.
	await page.goto('/login', { waitUntil: 'networkidle' });
	expect(new URL(page.url()).hostname).toBe('127.0.0.1');
	await page.getByLabel('E-mail').fill(someone.email);
	await page.getByLabel('Password', { exact: true }).fill('a developer’s password');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('alert').getByText(`Open the portal at ${origin}`).waitFor();
	expect(await page.getByLabel('E-mail').inputValue()).toBe(someone.email);
	await page.goto(`${origin}/login?next=%2Fprofile`);
	await page.getByLabel('E-mail').fill(someone.email);
	await page.getByLabel('Password', { exact: true }).fill('a developer’s password');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL(`${origin}/profile`);
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('a form of the portal under another name says the same without script', async () => {
	const { origin, port } = portal.server;
	const visitor = await newPerson(browser, `http://127.0.0.1:${port}`, { hasScript: false });
	visitor.forgive(/403/);
	const { page } = visitor;
	await stayHere(visitor, port);
	await page.goto('/login');
	await page.getByLabel('E-mail').fill('somebody@example.test');
	await page.getByLabel('Password', { exact: true }).fill('a long enough password');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByText(`Open the portal at ${origin}`).waitFor();
	await visitor.close();
});
