import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Company, type Portal, type Visitor } from '../factories.ts';
import { createProduct } from '../products.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** Each form that is refused says so at its first wrong field, which is in view and has the focus. */

let browser: Browser;
let portal: Portal;
let company: Company;
let productId: string;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	company = await portal.company({ admin: portal.admin });
	({ id: productId } = await createProduct(portal));
});
afterAll(() => portal.stop());

/** Low: what stands at the end of a form is out of sight. */
const viewport = { width: 1280, height: 480 };

/** The one field that has the focus, with the words at it, when it has been refused. */
async function expectRefused(page: Page, name: string, words: RegExp) {
	const field = page.locator(`[name="${name}"][aria-invalid="true"]`);
	await field.waitFor();
	await expect
		.poll(() => field.evaluate((one) => one === document.activeElement), { message: name })
		.toBe(true);
	const note = page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`);
	expect(await note.textContent()).toMatch(words);
	expect(await page.getByText(/invalid input|expected/i).count()).toBe(0);
	const isInView = (one: Element) => {
		const { top, bottom } = one.getBoundingClientRect();
		return top >= 0 && bottom <= window.innerHeight;
	};
	await expect.poll(() => field.evaluate(isInView), { message: name }).toBe(true);
}

const fill = async (page: Page, values: Record<string, string>) => {
	for (const [name, value] of Object.entries(values)) await page.locator(`[name="${name}"]`).fill(value);
};
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).last().click();

type Form = {
	form: string;
	as?: () => Visitor;
	path: () => string;
	open?: string;
	values: Record<string, string>;
	button: string | RegExp;
	field: string;
	words: RegExp;
};
const admin = () => portal.admin;
const owner = () => company.owner;
const inCompany = (path: string) => () => `/orgs/${company.slug}${path}`;
const long = 'x'.repeat(201);

const forms: Form[] = [
	{
		form: 'the mail server, “Reply to”',
		as: admin,
		path: () => '/admin/settings/email',
		values: { replyTo: 'nobody' },
		button: 'Save',
		field: 'replyTo',
		words: /not an e-mail address/
	},
	{
		form: 'the mail server, “From name”',
		as: admin,
		path: () => '/admin/settings/email',
		values: { fromName: 'https://x.test', replyTo: 'nobody' },
		button: 'Save',
		field: 'fromName',
		words: /^The from name can't hold a web address/
	},
	{
		form: 'the mail server, tried',
		as: admin,
		path: () => '/admin/settings/email',
		values: { adminRecipients: 'a@x.test\nnobody' },
		button: 'Send test e-mail',
		field: 'adminRecipients',
		words: /not an e-mail address/
	},
	{
		form: 'the portal',
		as: admin,
		path: () => '/admin/settings/general',
		values: { supportEmail: 'nobody', retentionDays: 'many' },
		button: 'Save',
		field: 'supportEmail',
		words: /not an e-mail address/
	},
	{
		form: 'a new organization of a partner',
		as: admin,
		path: () => '/admin/organizations',
		open: 'Create for a partner',
		values: { name: 'Partner', firstName: 'evil.com', email: 'somebody@x.test' },
		button: 'Create and invite',
		field: 'firstName',
		words: /look like a web address/
	},
	{
		form: 'a gateway',
		as: admin,
		path: () => '/admin/gateways',
		open: 'Add a gateway',
		values: { name: 'Edge', headerName: 'Cookie' },
		button: 'Add the gateway',
		field: 'headerName',
		words: /means something else/
	},
	{
		form: 'an API product',
		as: admin,
		path: () => '/admin/products',
		open: 'Add an API product',
		values: { name: 'Parcels', slug: 'Par cels' },
		button: 'Add the draft',
		field: 'slug',
		words: /^The address has small letters/
	},
	{
		form: 'a plan',
		as: admin,
		path: () => `/admin/products/${productId}`,
		open: 'Add a plan',
		values: { name: 'Free', perSecond: 'many' },
		button: 'Add the plan',
		field: 'perSecond',
		words: /^Requests a second is a whole number/
	},
	{
		form: 'the look of e-mails',
		as: admin,
		path: () => '/admin/emails/brand',
		values: { footer: 'See https://x.test' },
		button: 'Save',
		field: 'footer',
		words: /web address/
	},
	{
		form: 'registering',
		path: () => '/register',
		values: { lastName: 'Sukarno', email: 'nobody', password: 'short' },
		button: 'Register',
		field: 'email',
		words: /not an e-mail address/
	},
	{
		form: 'registering without any name',
		path: () => '/register',
		values: { email: 'nobody' },
		button: 'Register',
		field: 'firstName',
		words: /^The first name is missing/
	},
	{
		form: 'a forgotten password',
		path: () => '/forgot-password',
		values: { email: 'nobody' },
		button: 'Send the link',
		field: 'email',
		words: /not an e-mail address/
	},
	{
		form: 'an organization that is asked for',
		as: owner,
		path: () => '/organizations/new',
		values: { name: ' ' },
		button: /Send the request|Create the organization/,
		field: 'name',
		words: /is missing/
	},
	{
		form: 'an invitation',
		as: owner,
		path: inCompany('/users'),
		open: 'Invite new user',
		values: { firstName: 'Sukarno', email: 'nobody' },
		button: /^Send|^Invite/,
		field: 'email',
		words: /not an e-mail address/
	},
	{
		form: 'an application',
		as: owner,
		path: inCompany('/applications'),
		open: 'New application',
		values: { name: 'evil.com' },
		button: 'Create the application',
		field: 'name',
		words: /look like a web address/
	},
	{
		form: 'the name of an organization',
		as: owner,
		path: inCompany('/settings'),
		values: { name: long },
		button: 'Rename',
		field: 'name',
		words: /more than 80 characters/
	},
	{
		form: 'the own name',
		as: owner,
		path: () => '/profile',
		values: { firstName: '', lastName: ' ' },
		button: 'Save the name',
		field: 'firstName',
		words: /is missing/
	},
	{
		form: 'a new address',
		as: owner,
		path: () => '/profile',
		values: { email: 'nobody' },
		button: 'Send the link',
		field: 'email',
		words: /not an e-mail address/
	}
];

test.each(forms)('$form', async ({ as, path, open, values, button, field, words }) => {
	const { origin } = portal.server;
	const person = as
		? await openAs(browser, origin, as(), path(), { viewport })
		: await newPerson(browser, origin, { viewport });
	person.forgive(/status of 4\d\d/);
	const { page } = person;
	if (!as) await page.goto(path(), { waitUntil: 'networkidle' });
	if (open) await page.getByRole('button', { name: open }).first().click();
	await fill(page, values);
	await press(page, button);
	await expectRefused(page, field, words);
	// The same words once more lead there once more.
	await page.evaluate(() => {
		(document.activeElement as HTMLElement).blur();
		window.scrollTo(0, document.body.scrollHeight);
	});
	await press(page, button);
	await expectRefused(page, field, words);
	expect(person.complaints).toEqual([]);
	await person.close();
});

test('without a script the page begins at the field too', async () => {
	const person = await newPerson(browser, portal.server.origin, { viewport, hasScript: false });
	const { page } = person;
	await page.goto('/register');
	await fill(page, { firstName: 'Sukarno', email: 'nobody', password: 'a good long password' });
	await press(page, 'Register');
	await page.locator('[name="email"][aria-invalid="true"]:focus').waitFor();
	await person.close();
});
