import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, type Portal, type Visitor } from '../factories.ts';
import { small } from '../documents.ts';
import { createGateway } from '../gateways.ts';
import { insertProduct } from '../offers.ts';
import { createPlan, createProduct, publishProduct } from '../products.ts';
import { findAllProblems } from './axe.ts';
import { getBrowser, newPerson } from './browser.ts';
import { findFieldProblems, findMixedDirections, findPrintProblems, findTornSentences } from './reading.ts';

/** Every page as its readers see it: narrow and wide, light and dark, with the rules of WCAG 2.2 AA. */

let browser: Browser;
let portal: Portal;
let pages: { who: 'nobody' | 'owner' | 'admin' | 'requester'; path: string }[] = [];
let dashboard = '';
const people: Partial<Record<string, Visitor>> = {};

beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	// Read from right to left, with what changes places where it isn't kept apart.
	const owner = await portal.person({
		firstName: '\u05de\u05d9\u05db\u05dc',
		lastName: '\u05db\u05d4\u05df (2)'
	});
	const company = await portal.company({
		admin: portal.admin,
		owner,
		name: `${unique('\u05d7\u05d1\u05e8\u05d4').replaceAll(/[a-z]/g, '')} (7)`
	});
	await portal.member(company);
	const { token } = await portal.invitation(company);
	const application = await owner.api.applications.create.mutate({
		organizationId: company.id,
		name: '\u05d9\u05d9\u05e9\u05d5\u05dd 3 (\u05d0)'
	});
	const { gateway } = await createGateway(portal, { kind: 'nginx', queryName: 'api_key' });
	// Counts that are longer than a narrow page is wide.
	const counted = await owner.api.credentials.create.mutate({
		organizationId: company.id,
		applicationId: application.id,
		label: 'Counted'
	});
	await portal.inDatabase(async (db) => {
		const hour = { span: 'hour' as const, at: new Date() };
		await db
			.insertInto('usageWatch')
			.values(hour)
			.onConflict((known) => known.doNothing())
			.execute();
		await db
			.insertInto('usageCount')
			.values(
				(['allowed', 'limited'] as const).map((answer) => ({
					...{ ...hour, credentialId: counted.id, answer, count: 1_999_999_999 }
				}))
			)
			.execute();
	});
	const [open, waiting] = [await insertProduct(portal), await insertProduct(portal)];
	const asking = { organizationId: company.id, applicationId: application.id };
	const { request } = owner.api.accesses;
	await request.mutate({ ...asking, product: open.slug, planId: open.plans.Trial ?? '' });
	const message = '\u05e9\u05dc\u05d5\u05dd (3)';
	await request.mutate({ ...asking, product: waiting.slug, planId: waiting.plans.Business ?? '', message });
	const product = await publishProduct(portal, {
		name: unique('\u05de\u05d5\u05e6\u05e8').replaceAll(/[a-z]/g, ''),
		slug: 'read-by-everybody',
		contact: 'apis@provider.example',
		description:
			'# \u05db\u05d5\u05ea\u05e8\u05ea\n\n[a](https://x.example)\n\n|a|b|\n|-|-|\n|1|2|\n\n```\ncode\n```'
	});
	await createPlan(portal, product.id, { name: '\u05ea\u05d5\u05db\u05e0\u05d9\u05ea 3' });
	await portal.admin.api.documents.upload.mutate({ productId: product.id, text: small, fileName: '' });
	const chosen = await createProduct(portal, { visibility: 'organizations' });
	await portal.admin.api.products.choose.mutate({
		productId: chosen.id,
		organizationId: company.id,
		isChosen: true
	});
	const pending = await portal.company();
	await portal.visitor().api.accounts.requestReset.mutate({ email: pending.owner.email });
	const reset = await portal.tokenFor(pending.owner.email, 'reset-password');
	const unproven = await portal.person({ isVerified: false });
	const proof = await portal.tokenFor(unproven.email, 'verify-email');
	Object.assign(people, { owner: company.owner, admin: portal.admin, requester: pending.owner });
	const base = `/orgs/${company.slug}`;
	dashboard = base;
	pages = [
		...[
			'/',
			'/login',
			'/register',
			'/forgot-password',
			`/reset-password/${reset}`,
			'/reset-password/nonsense',
			`/verify-email/${proof}`,
			'/verify-email/nonsense',
			`/invitations/${token}`,
			'/invitations/nonsense',
			'/setup/nonsense',
			'/unsubscribe/nonsense',
			'/apis',
			'/apis?search=there-is-none',
			`/apis/${product.slug}`,
			`/apis/${product.slug}/versions`,
			'/no-such-page'
		].map((path) => ({ who: 'nobody' as const, path })),
		...[
			'',
			'/applications',
			`/applications/${application.id}`,
			'/users',
			'/usage',
			'/users/invite',
			'/activity',
			'/settings'
		].map((path) => ({
			who: 'owner' as const,
			path: base + path
		})),
		...[
			'/dashboard/personal',
			'/organizations/new',
			'/profile',
			'/profile/notifications',
			'/apis',
			`/apis/${product.slug}`,
			`/apis/${waiting.slug}`,
			`/apis/${waiting.slug}/access`
		].map((path) => ({
			who: 'owner' as const,
			path
		})),
		{ who: 'requester', path: `/orgs/${pending.slug}` },
		...[
			'',
			'/organizations',
			`/organizations/${company.id}`,
			'/users',
			'/activity',
			'/activity?organization=nothing&person=e',
			`/activity?organization=${company.id}&kind=member&from=2026-01-01`,
			'/settings/general',
			'/settings/email',
			'/mailbox',
			'/emails',
			'/emails/organization-approved',
			'/emails/brand',
			'/gateways',
			`/gateways/${gateway.id}`,
			'/access',
			'/access?status=approved',
			`/access?status=rejected&product=${open.id}`,
			'/products',
			`/products/${product.id}`,
			`/products/${chosen.id}`
		].map((path) => ({
			who: 'admin' as const,
			path: `/admin${path}`
		}))
	];
});
afterAll(() => portal.stop());

const signedIn = (who: string) =>
	newPerson(browser, portal.server.origin, {
		viewport: { width: 1400, height: 900 },
		hasTouch: true,
		as: people[who]
	});

test.each(['nobody', 'owner', 'requester', 'admin'] as const)(
	'every page of %s can be read and used by everybody, wide and narrow, light and dark',
	async (who) => {
		const problems: string[] = [];
		const person = await signedIn(who);
		const { page } = person;
		person.forgive(/404/);
		for (const { path } of pages.filter((one) => one.who === who)) {
			// Narrow, the word “Live” is a dot.
			await page.setViewportSize({ width: 1400, height: 900 });
			await page.goto(path);
			await page.locator('h1').first().waitFor();
			if (who !== 'nobody') await page.getByText('Live', { exact: true }).first().waitFor();
			if (path === dashboard) await page.getByTestId('requests').first().waitFor();
			// A frame without scripts can't be looked into; what it shows is looked at in emails.test.ts.
			if (path.startsWith('/admin/emails/')) {
				await page.locator('iframe').waitFor();
				await page.locator('iframe').evaluate((frame) => frame.remove());
			}
			const found = [
				...(await findAllProblems(page)),
				...(await findMixedDirections(page)),
				...(await findTornSentences(page)),
				...(await findFieldProblems(page)),
				...(await findPrintProblems(page))
			];
			problems.push(...found.map((problem) => `${path}: ${problem}`));
		}
		expect([...problems, ...person.complaints]).toEqual([]);
		await person.close();
	}
);
