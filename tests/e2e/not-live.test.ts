import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCut } from '../cut.ts';
import { startPortal, type Company, type Portal } from '../factories.ts';
import { createDatabase, findFreePort } from '../harness.ts';
import { startProxy } from '../proxy.ts';
import { getBrowser, newPerson, openAs, type Person } from './browser.ts';

/** What a page shows while news can't come by themselves: the database is away, or a proxy passes no WebSocket. */

let browser: Browser;
let database: Awaited<ReturnType<typeof createDatabase>>;
let way: Awaited<ReturnType<typeof startCut>>;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let portal: Portal;
let company: Company;
beforeAll(async () => {
	[browser, database, proxy] = await Promise.all([getBrowser(), createDatabase(), startProxy()]);
	way = await startCut(database.url);
	const port = await findFreePort();
	proxy.leadTo(port);
	portal = await startPortal({ DATABASE_URL: way.url, PORT: String(port), ORIGIN: proxy.origin });
	company = await portal.company({ admin: portal.admin });
});
afterAll(async () => {
	await portal.stop();
	await Promise.all([way.stop(), proxy.stop()]);
	await database.drop();
});

const pill = ({ page }: Person, words: string) => page.getByText(words, { exact: true });
const isThere = ({ page }: Person, name: string) => page.getByRole('main').getByText(name).first().waitFor();

test('the database is away: the page says that it is not live, stays, and is current when it is back', async () => {
	const person = await openAs(browser, proxy.origin, company.owner, `/orgs/${company.slug}/applications`);
	person.forgive(/Failed to load resource/);
	// Only the news stay away: it asks for them.
	way.deafen();
	await pill(person, 'Not live').waitFor();
	await person.page.getByText('this page updates every few seconds').waitFor();
	await isThere(person, (await portal.application(company)).name);
	way.hear();
	await pill(person, 'Live').waitFor();

	// What it asks for again by itself comes too late, when the database has gone: it stays as it is.
	const isData = '**/__data.json*';
	const { promise: isAsked, resolve: noteAsked } = Promise.withResolvers<Route>();
	await person.page.route(isData, noteAsked, { times: 1 });
	await portal.company({ owner: company.owner });
	const asked = await isAsked;
	await way.cut();
	await asked.continue();
	await pill(person, 'Not connected').waitFor();
	await person.page.getByRole('heading', { name: 'Applications' }).waitFor();
	// Another page can't be shown, and says that it is for now.
	await person.page.getByRole('link', { name: 'Users' }).first().click();
	await person.page.getByText('You are still signed in').waitFor();
	await way.mend();
	await person.page.getByRole('heading', { name: 'Users' }).waitFor();
	await pill(person, 'Live').waitFor();
	await person.page.getByRole('link', { name: 'Applications' }).first().click();
	await isThere(person, (await portal.application(company)).name);
	expect(new URL(person.page.url()).pathname).toBe(`/orgs/${company.slug}/applications`);
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('a proxy that passes no WebSocket: the page asks every few seconds, and on the way to another page', async () => {
	proxy.passUpgrade(false);
	const person = await newPerson(browser, proxy.origin, { as: company.owner });
	person.forgive(/WebSocket/);
	await person.page.goto(`/orgs/${company.slug}/applications`);
	await pill(person, 'Not live').waitFor();
	await isThere(person, (await portal.application(company)).name);
	// A hidden tab asks rarely; a way to another page brings what it missed at once.
	await person.page.evaluate(() =>
		Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
	);
	await person.page.waitForResponse(/sessions\.get/);
	const { name } = await portal.application(company);
	await person.page.getByRole('link', { name: 'Dashboard' }).first().click();
	await person.page.getByRole('link', { name: 'Applications' }).first().click();
	await isThere(person, name);

	// Who is removed meanwhile reads by whom, though no news said so.
	const other = await portal.company({ admin: portal.admin });
	const member = await portal.member(other);
	const theirs = await newPerson(browser, proxy.origin, { as: member });
	theirs.forgive(/WebSocket|404/);
	await theirs.page.goto(`/orgs/${other.slug}/users`);
	await pill(theirs, 'Not live').waitFor();
	await other.owner.api.members.remove.mutate({ organizationId: other.id, memberId: member.memberId });
	await theirs.page.getByRole('heading', { name: `You are no longer a member of ${other.name}` }).waitFor();
	await theirs.page.getByText(`Dev ${other.owner.lastName} removed you`).waitFor();
	expect(theirs.complaints).toEqual([]);
	await theirs.close();

	// Whose session ends elsewhere is led to the sign-in, without a socket that says so: by whichever question of the
	// page is the first one that is refused.
	person.forgive(/401/);
	await person.page.evaluate(() =>
		Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true })
	);
	await person.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	proxy.passUpgrade(true);
	await pill(person, 'Live').waitFor();
	proxy.passUpgrade(false);
	await person.page.reload();
	await pill(person, 'Not live').waitFor();
	await company.owner.api.sessions.delete.mutate({});
	await person.page.waitForURL(/\/login\?/);
	expect(person.complaints).toEqual([]);
	await person.close();
});
