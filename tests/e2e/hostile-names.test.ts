import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, type Portal, type Visitor } from '../factories.ts';
import { insertProduct } from '../offers.ts';
import { getBrowser, openAs } from './browser.ts';

/** Whatever people call themselves and their things is text: in pages, titles, toasts and e-mails. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), startPortal()]);
});
afterAll(() => portal.stop());

const markup = '<img src=x onerror=alert(1)>{{portalUrl}}</title><script>alert(2)</script>';
const name = `${markup} Ltd`;
const firstName = '<b id=hostile>Eve</b>';
const reason = `<mj-include path="/etc/passwd" /> ${markup}`;

test('HTML, MJML and braces in names and reasons stay literal everywhere', async () => {
	const owner = await portal.person({ firstName, lastName: '"><script>alert(3)</script>' });
	const company = await portal.company({ owner, name });
	const opened: string[] = [];
	// What such a name would do if it were no text.
	const prepare = (page: Page) => {
		page.on('dialog', (dialog) => {
			opened.push(dialog.message());
			void dialog.dismiss();
		});
		return Promise.resolve();
	};
	const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path, { prepare });
	const page = await open(owner, `/orgs/${company.slug}`);
	const admin = await open(portal.admin, '/admin/organizations');
	await admin.page.getByText(name, { exact: true }).waitFor();
	await page.page.getByRole('heading', { name: `Your request for ${name} is pending` }).waitFor();
	expect(await page.page.title()).toContain(name);

	await portal.admin.api.organizations.reject.mutate({ organizationId: company.id, reason });
	await page.page.getByText(reason).first().waitFor();
	await owner.api.organizations.requestAgain.mutate({ organizationId: company.id, name });
	await portal.admin.api.organizations.approve.mutate({ organizationId: company.id });
	await page.page.getByRole('heading', { name }).waitFor();

	// Somebody else's news come as a toast.
	const member = await portal.member(company);
	const application = { organizationId: company.id, name: markup, description: markup };
	const toast = page.page.locator('[data-sonner-toast]', { hasText: `created the application ${markup}` });
	let count = 0;
	// A page that just loads anew has it in its list and tells it no more: then another one comes.
	await expect
		.poll(async () => {
			count += 1;
			const name = count === 1 ? markup : `${markup} ${count}`;
			const told = toast.first().waitFor({ timeout: 10_000 });
			await Promise.all([
				member.api.applications.create.mutate({ ...application, name }),
				told.catch(() => null)
			]);
			return toast.count();
		})
		.toBeGreaterThan(0);
	await page.page.goto(`/orgs/${company.slug}/users`);
	await page.page.getByText(`${firstName} "><script>alert(3)</script>`).first().waitFor();
	await page.page.goto(`/orgs/${company.slug}/activity`);
	await page.page.getByText(`created the application ${markup}`).first().waitFor();

	const product = await insertProduct(portal);
	await owner.api.accesses.request.mutate({
		organizationId: company.id,
		newApplication: `${markup} 0`,
		product: product.slug,
		planId: product.plans.Business ?? '',
		message: markup
	});
	await page.page.goto(`/orgs/${company.slug}`);
	await page.page.getByText(`${markup} 0 → ${product.name}`).waitFor();

	for (const path of ['', `/organizations/${company.id}`, '/access', '/users', '/activity', '/mailbox']) {
		await admin.page.goto(`/admin${path}`);
		await admin.page.getByText('Live', { exact: true }).waitFor();
		await admin.page
			.getByText(path === '/users' ? firstName : name)
			.first()
			.waitFor();
		expect(await admin.page.locator('img, #hostile').count(), path).toBe(0);
	}
	await admin.page.goto(`/admin/organizations/${company.id}`);
	await admin.page.getByText(reason).first().waitFor();
	expect(await admin.page.title()).toContain(name);

	for (const { page: one, complaints } of [page, admin]) {
		expect(await one.locator('img, #hostile').count()).toBe(0);
		expect(complaints).toEqual([]);
	}
	expect(opened).toEqual([]);

	const rejection = await portal.smtp.waitFor(
		({ subject }) => subject?.endsWith('was not approved') ?? false
	);
	expect(rejection.subject).toBe(`${name} was not approved`);
	expect(rejection.text?.replace(/\s+/g, ' ')).toContain(reason);
	for (const { html } of portal.smtp.messages) expect(html).not.toMatch(/<img|<script|<b id|root:/);
});

test('line breaks, unseen characters and web addresses in names are refused', async () => {
	const register = (one: string) =>
		portal.visitor().api.accounts.register.mutate({
			firstName: one,
			lastName: 'Person',
			email: 'hostile@example.test',
			password: 'a long enough password'
		});
	for (const one of [
		'Eve\r\nBcc: x',
		'Eve\u202egnp.exe',
		'E\u200bve',
		'www.evil.example',
		'https://evil.example',
		'evil.com'
	])
		await expect(register(one), one).rejects.toThrow(/The first name/);
	expect(portal.smtp.messages.filter(({ text }) => text?.includes('hostile@'))).toEqual([]);
});
