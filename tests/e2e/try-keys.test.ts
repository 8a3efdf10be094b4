import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { getPortal, unique, type Company, type Portal, type Visitor } from '../factories.ts';
import { createPlan, publishProduct } from '../products.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** The reference of an API is tried with a key of the reader's team: a reveal, for the API's server alone. */

let browser: Browser;
let portal: Portal;
let company: Company;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	company = await portal.company({ admin: portal.admin });
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

/** An API that lets pages of other origins call it, and what it was sent. */
async function startApi() {
	const calls: IncomingMessage[] = [];
	const server = createServer((request, response) => {
		const headers = {
			'access-control-allow-origin': '*',
			'access-control-allow-headers': 'authorization, x-api-key',
			'content-type': 'application/json'
		};
		if (request.method !== 'OPTIONS') calls.push(request);
		response.writeHead(200, headers).end('{"has":"answered"}');
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	onTestFinished(() => void server.close());
	const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	// A header that is there without anything in it carries nothing.
	const sent = () => calls.map(({ headers }) => headers['x-api-key'] || headers.authorization || null);
	return { origin, calls, sent };
}

/** A product whose document names these schemes, with an application of the company that has access to it and a credential. */
async function furnish(server: string, security: string) {
	const product = await publishProduct(portal, { name: unique('Pets') });
	const plan = await createPlan(portal, product.id);
	const text = `openapi: 3.1.0
info: { title: Pets, version: "1.0" }
servers: [{ url: ${server} }]
${security}
paths:
  /pets:
    get: { summary: Every pet, responses: { 200: { description: All of them } } }
`;
	await portal.admin.api.documents.upload.mutate({ productId: product.id, text, fileName: 'openapi.yaml' });
	const application = await portal.application(company);
	const place = { organizationId: company.id, applicationId: application.id };
	const { api } = company.owner;
	const access = await api.accesses.request.mutate({ ...place, product: product.slug, planId: plan.id });
	const credential = await api.credentials.create.mutate({ ...place, label: unique('Key') });
	const path = `/apis/${product.slug}/documentation`;
	return { product, place, credential, accessId: access.granted?.id ?? '', path };
}

const byHeader = `security: [{ key: [] }]
components: { securitySchemes: { key: { type: apiKey, in: header, name: X-API-Key } } }`;

test('what names no server that could be asked is read, and no key is offered for it', async () => {
	for (const server of ['/v1', portal.server.origin]) {
		const { path } = await furnish(server, byHeader);
		const { page, close, complaints } = await open(company.owner, path);
		await page.getByText('This document names no server: it can be read, not tried.').waitFor();
		await page.frameLocator('iframe').getByText('/pets').first().waitFor();
		expect(await page.getByRole('button', { name: 'Use this key' }).count()).toBe(0);
		await page.waitForLoadState('networkidle');
		expect(complaints.filter((one) => !/script-src refused eval/.test(one))).toEqual([]);
		await close();
	}
});

/** What the browser asked, whom, and with which headers; the key must be in none but those to the API. */
function watch(context: BrowserContext): () => Promise<{ url: string; text: string }[]> {
	const asked: Request[] = [];
	context.on('request', (request) => asked.push(request));
	return () =>
		Promise.all(
			asked.map(async (request) => ({
				url: request.url(),
				text: [
					request.url(),
					JSON.stringify(await request.allHeaders().catch(() => request.headers())),
					request.postData() ?? ''
				].join('\n')
			}))
		);
}

/** Whatever the page's origin keeps in this browser, as text. */
async function listKept(page: Page): Promise<string> {
	const kept = await page.evaluate(async () => {
		const stores = [{ ...localStorage }, { ...sessionStorage }, document.cookie];
		const databases = await indexedDB.databases();
		return JSON.stringify([...stores, databases, history.state, location.href]);
	});
	return kept + JSON.stringify(await page.context().storageState({ indexedDB: true }));
}

/** Sends the operation from the reference, in its dialog, which stays open: what closes is seen for a while still. */
async function send(page: Page) {
	const reference = page.frameLocator('iframe');
	const opening = reference.getByRole('button', { name: /Test Request/ }).first();
	const sending = reference.getByRole('button', { name: /^Send/ }).first();
	if (!(await sending.isVisible())) await opening.click();
	await sending.click();
}

test('a key of the team is carried to the API’s server and nowhere else, on record, and forgotten', async () => {
	const api = await startApi();
	const { product, place, credential, accessId, path } = await furnish(api.origin, byHeader);
	const { secret } = await company.owner.api.credentials.reveal.mutate({
		...place,
		credentialId: credential.id
	});
	const member = await portal.member(company);
	const person = await open(member, path);
	const listAsked = watch(person.context);
	const { page } = person;
	const using = page.getByText(`What you send from this page carries ${credential.label}`);
	const revealed = async () =>
		(await company.owner.api.activity.list.query({ organizationId: company.id })).events.filter(
			({ name, actor }) => name === 'credential.revealed' && actor.id === member.userId
		).length;

	// Before the press nothing is carried, and nothing is on record.
	await send(page);
	await expect.poll(api.sent).toEqual([null]);
	expect(await revealed()).toBe(0);
	await page.getByRole('button', { name: 'Use this key' }).click();
	await using.waitFor();
	expect(await revealed()).toBe(1);
	await send(page);
	await expect.poll(api.sent).toEqual([null, secret]);
	expect(api.calls.map(({ url }) => url)).toEqual(['/pets', '/pets']);

	const carrying = (await listAsked()).filter(({ text }) => text.includes(secret));
	expect(carrying.map(({ url }) => url)).toEqual([`${api.origin}/pets`]);
	expect(await listKept(page)).not.toContain(secret);
	expect(await page.frames()[1]?.content()).not.toContain(secret);

	// Its access ends while the page is open.
	await portal.admin.api.accesses.end.mutate({
		organizationId: company.id,
		accessId,
		reason: 'Enough of it'
	});
	await using.waitFor({ state: 'hidden' });
	await page.getByText(`“${credential.label}” doesn’t open this API any more`).waitFor();
	await page.getByText('Try it with a key of your team').waitFor({ state: 'hidden' });
	await send(page);
	await expect.poll(api.sent).toEqual([null, secret, null]);

	// And given again: whoever leaves the page and comes back has none.
	const plan = await createPlan(portal, product.id);
	const { granted, request } = await company.owner.api.accesses.request.mutate({
		...place,
		product: product.slug,
		planId: plan.id
	});
	if (!granted || request?.status === 'pending')
		await portal.admin.api.accesses.approve.mutate({ requestId: request?.id ?? '' });
	await page.getByRole('button', { name: 'Use this key' }).click();
	await using.waitFor();
	await page.getByRole('link', { name: 'What changed' }).click();
	await page.waitForURL(/\/versions$/);
	await page.goBack();
	await page.getByRole('button', { name: 'Use this key' }).waitFor();
	await send(page);
	await expect.poll(api.sent).toEqual([null, secret, null, null]);
	await page.getByRole('button', { name: 'Use this key' }).click();
	await using.waitFor();
	await page.getByRole('button', { name: 'Put the key away' }).click();
	await send(page);
	await expect.poll(api.sent).toEqual([null, secret, null, null, null]);
	expect(person.complaints.filter((one) => !/script-src refused eval/.test(one))).toEqual([]);
	await person.close();
});

test('where a document names no key it goes as a bearer; another page of the frame’s hands over none', async () => {
	const api = await startApi();
	const { credential, place, path } = await furnish(api.origin, '');
	const { secret } = await company.owner.api.credentials.reveal.mutate({
		...place,
		credentialId: credential.id
	});
	const { page, ...person } = await open(company.owner, path);
	await page.frameLocator('iframe').getByText('Every pet').first().waitFor();
	// From within itself it takes none.
	await page.frames()[1]?.evaluate(() => window.postMessage({ key: 'planted' }, location.origin));
	await send(page);
	await expect.poll(api.sent).toEqual([null]);
	await page.getByRole('button', { name: 'Use this key' }).click();
	await page.getByText('What you send from this page').waitFor();
	await send(page);
	await expect.poll(api.sent).toEqual([null, `Bearer ${secret}`]);
	await person.close();
});

test('is offered to those alone who may reveal, and refused in words to whom it is taken from meanwhile', async () => {
	const api = await startApi();
	const { path, credential } = await furnish(api.origin, byHeader);
	const member = await portal.member(company);
	const listed = (by: Visitor) => by.api.credentials.listOpening.query({ product: path.split('/')[2] ?? '' });
	expect((await listed(member))[0]?.credentials[0]?.id).toBe(credential.id);
	// A page that doesn't hear of it yet, and has asked for nothing before either.
	const person = await openAs(browser, portal.server.origin, member, path, {
		prepare: (opening) =>
			opening
				.context()
				.route('**/__data.json*', () => undefined)
				.then(() => undefined)
	});
	const { page } = person;
	person.forgive(/status of 403/);
	await page.getByRole('button', { name: 'Use this key' }).waitFor();
	await company.owner.api.organizations.configure.mutate({
		organizationId: company.id,
		isRevealRestricted: true
	});
	await page.getByRole('button', { name: 'Use this key' }).click();
	await page.getByRole('alert').getByText('Only a Super admin of the organization can do this.').waitFor();
	await page.context().unroute('**/__data.json*');
	await page.reload();
	await page.frameLocator('iframe').getByText('Every pet').first().waitFor();
	const offer = page.getByText('Try it with a key of your team');
	expect(await offer.count()).toBe(0);
	expect(await listed(member)).toEqual([]);
	expect(await listed(company.owner)).toHaveLength(1);
	const stranger = (await portal.company({ admin: portal.admin })).owner;
	expect(await listed(stranger)).toEqual([]);
	await company.owner.api.organizations.configure.mutate({
		organizationId: company.id,
		isRevealRestricted: false
	});
	await offer.waitFor();

	const nobody = await newPerson(browser, portal.server.origin);
	await nobody.page.goto(path);
	await nobody.page.frameLocator('iframe').getByText('Every pet').first().waitFor();
	expect(await nobody.page.getByText('Try it with a key of your team').count()).toBe(0);
	await Promise.all([person, nobody].map((one) => one.close()));
});
