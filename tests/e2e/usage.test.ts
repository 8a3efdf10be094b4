import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, type Company, type Portal } from '../factories.ts';
import { getBrowser, newPerson } from './browser.ts';

/** What counted requests look like, and how they arrive on pages that are open. */

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), startPortal({ GATEWAY_TOKEN: gatewayToken })]);
});
afterAll(() => portal.stop());

async function furnish(company: Company) {
	const application = await portal.application(company);
	const credentialId = application.credentials[0]?.id ?? '';
	const place = { organizationId: company.id, applicationId: application.id, credentialId };
	const { secret } = await company.owner.api.credentials.reveal.mutate(place);
	return { application, credentialId, secret };
}

const check = (token: string) =>
	fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams({ token }),
		headers: { authorization: `Bearer ${gatewayToken}` }
	});

const openAs = (company: Company) =>
	newPerson(browser, portal.server.origin, { as: company.owner, viewport: { width: 1400, height: 900 } });

test('a request that a gateway asks about appears on the open page of the application, and on the dashboard', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { application, credentialId, secret } = await furnish(company);
	const [one, other] = [await openAs(company), await openAs(company)];
	await one.page.goto(`/orgs/${company.slug}/applications/${application.id}`);
	await one.page.getByText('Nothing was recorded in this time').waitFor();
	const lastUsed = one.page.locator(`[data-credential="${credentialId}"]`).getByTestId('last-used');
	await lastUsed.getByText('Never used').waitFor();
	await other.page.goto(`/orgs/${company.slug}`);
	for (const { page } of [one, other]) await page.getByText('Live', { exact: true }).first().waitFor();
	for (let time = 0; time < 3; time++) await check(secret);
	await one.page.getByTestId('usage-total').getByText('3', { exact: true }).waitFor();
	await lastUsed.getByText('Last used just now').waitFor();
	await other.page.getByTestId('requests').getByText('3 requests in 24 h').waitFor();
	// What is seen stays true in each period.
	for (const period of ['1 hour', '30 days', '12 months']) {
		await one.page.getByRole('button', { name: period, exact: true }).click();
		await one.page.getByTestId('usage-total').getByText('3', { exact: true }).waitFor();
	}
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([one.close(), other.close()]);
});

test('credentials that nobody uses are revoked together, after a question', async () => {
	const company = await portal.company({ admin: portal.admin });
	const ids = [(await furnish(company)).credentialId, (await furnish(company)).credentialId];
	const longAgo = new Date(Date.now() - 100 * 86_400_000);
	await portal.inDatabase(async (db) => {
		await db.updateTable('credential').set({ createdAt: longAgo }).where('id', 'in', ids).execute();
		await db.insertInto('usageWatch').values({ span: 'day', at: longAgo }).execute();
	});
	// As it is drawn before anything was asked: nobody knows yet whether there is something.
	const drawn = await (await company.owner.request(`/orgs/${company.slug}/usage`)).text();
	expect(drawn).toContain('Loading …');
	expect(drawn).not.toContain('Nothing was recorded yet');
	const person = await openAs(company);
	const { page } = person;
	await page.goto(`/orgs/${company.slug}/usage`);
	await page.getByRole('heading', { name: /Not used for 90 days\s*2/ }).waitFor();
	expect(await page.getByRole('button', { name: 'Revoke selected' }).isDisabled()).toBe(true);
	await page.getByRole('button', { name: 'Select all' }).click();
	await page.getByRole('button', { name: 'Revoke selected' }).click();
	await page.getByRole('button', { name: 'Revoke 2 credentials' }).click();
	await page.getByText('Revoked 2 credentials.').waitFor();
	await page.getByTestId('silent').waitFor({ state: 'detached' });
	expect(person.complaints).toEqual([]);
	await person.close();
});

/** An answer in which the first row of each list stands once more, which no page can draw. */
function doubled(answer: unknown): unknown {
	if (Array.isArray(answer)) {
		const [first] = answer;
		const rows = answer.map(doubled);
		return first && typeof first === 'object' && 'id' in first ? [...rows, first] : rows;
	}
	if (!answer || typeof answer !== 'object') return answer;
	return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, doubled(value)]));
}

test('a page that breaks says so, and is whole when it is loaded again', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { credentialId } = await furnish(company);
	const longAgo = new Date(Date.now() - 100 * 86_400_000);
	await portal.inDatabase((db) =>
		db.updateTable('credential').set({ createdAt: longAgo }).where('id', '=', credentialId).execute()
	);
	const person = await openAs(company);
	const { page } = person;
	await page.route(/usage\.listIdle/, async (route) => {
		const response = await route.fetch();
		await route.fulfill({ response, json: doubled(await response.json()) });
	});
	await page.goto(`/orgs/${company.slug}/usage`);
	const words = page.getByText('This page has broken, and may no longer be live.');
	await words.waitFor();
	person.forgive(/each_key_duplicate/);
	await page.unroute(/usage\.listIdle/);
	await page.getByRole('button', { name: 'Load the page again' }).click();
	await page.getByRole('heading', { name: /Not used for 90 days\s*1/ }).waitFor();
	expect(await words.count()).toBe(0);
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('a credential that is used after it was rotated appears on the open pages of its organization and of the provider', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { application, credentialId, secret } = await furnish(company);
	const one = await openAs(company);
	const other = await newPerson(browser, portal.server.origin, { as: portal.admin });
	await one.page.goto(`/orgs/${company.slug}/usage`);
	await other.page.goto('/admin');
	for (const { page } of [one, other]) {
		await page.getByText('None: every program that called has the new secret.').waitFor();
		await page.getByText('Live', { exact: true }).first().waitFor();
	}
	const place = { organizationId: company.id, applicationId: application.id, credentialId };
	await company.owner.api.credentials.rotate.mutate({ ...place, overlapSeconds: 0 });
	await check(secret);
	for (const { page } of [one, other]) {
		const row = page
			.getByRole('list', { name: 'Used after they were rotated' })
			.getByRole('listitem')
			.filter({ hasText: application.name });
		await row.getByText('Last presented just now').waitFor();
	}
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([one.close(), other.close()]);
});
