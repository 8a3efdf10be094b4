import type { Browser, BrowserContext, Request } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeProduct, small } from '../documents.ts';
import { getPortal, type Portal, type Visitor } from '../factories.ts';
import { getBrowser, newPerson, openAs } from './browser.ts';

/** A portal admin uploads documentation; those who may see the product read it, and nothing of it is asked elsewhere. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

/** What a browser asks of others than the portal, but for what its policy keeps in; the answer is of that moment. */
function watchAsked(context: BrowserContext): () => string[] {
	const asked: Request[] = [];
	context.on('request', (request) => asked.push(request));
	const { host } = new URL(portal.server.origin);
	const isElsewhere = (url: string) => /^(https?|wss?):/.test(url) && new URL(url).host !== host;
	return () =>
		asked
			.filter((request) => isElsewhere(request.url()) && request.failure()?.errorText !== 'csp')
			.map((request) => request.url());
}

const harmful =
	'<img src=x onerror=alert(1)><script>alert(1)</script><iframe src=https://evil.example></iframe>';
const first = small
	.replace(
		'title: Pets',
		`title: Pets, description: "Read this. ${harmful} ![](https://evil.example/pixel.png)"`
	)
	.replace('description: All of them', `description: "All of them ${harmful}"`);

test('a document is refused at its lines, uploaded, changed, and read by those who may see it', async () => {
	const company = await portal.company({ admin: portal.admin });
	const stranger = await portal.person();
	const product = await makeProduct(portal, { visibility: 'organizations', companies: [company] });
	const member = await open(company.owner, `/apis/${product.slug}`);
	const admin = await open(portal.admin, `/admin/products/${product.id}`);
	const { page } = admin;

	const choose = (text: string, name = 'openapi.yaml') =>
		page.getByLabel('OpenAPI document').setInputFiles({
			name,
			mimeType: 'application/yaml',
			buffer: Buffer.from(text)
		});
	const upload = () => page.getByRole('button', { name: 'Upload', exact: true }).click();
	admin.forgive(/status of 400/);
	await choose(first.replace('responses', 'respnses'));
	await upload();
	const alert = page.getByRole('alert').filter({ hasText: 'nothing was saved' });
	await alert.getByText('Line 6, column 12').waitFor();
	expect(await alert.textContent()).toContain('OpenAPI knows no “respnses” here.');
	expect(await alert.locator('code').textContent()).toContain('get: { respnses:');
	await choose(first);
	await upload();
	await page.locator('[data-version="1"]').waitFor();

	// The page of the product that is open already leads there.
	await member.page.getByRole('link', { name: 'Documentation' }).click();
	const reference = member.page.frameLocator('iframe');
	await reference.getByText('/pets').first().waitFor();
	await reference.getByText('Read this.').first().waitFor();

	await page.getByRole('button', { name: 'Upload a new version' }).click();
	await page
		.getByLabel('Or paste it here')
		.fill(first.replace(/ {4}post: .*\n/, '').replace('"1.0"', '"2.0"'));
	await upload();
	await page.locator('[data-version="2"]').getByText('POST /pets was removed.').waitFor();
	await member.page.getByText('Version 2.0, 1 operation').waitFor();
	await member.page.getByRole('link', { name: 'What changed' }).click();
	await member.page.locator('[data-kind="Breaking"]').getByText('POST /pets was removed.').waitFor();

	const outside = await newPerson(browser, portal.server.origin, { as: stranger });
	outside.forgive(/status of 404/);
	for (const path of ['documentation', 'documentation/reference', 'versions', 'openapi.yaml']) {
		const response = await outside.context.request.get(`/apis/${product.slug}/${path}`);
		expect(response.status(), path).toBe(404);
	}
	expect([...admin.complaints, ...member.complaints.filter(isUnexpected), ...outside.complaints]).toEqual([]);
	await Promise.all([admin, member, outside].map((one) => one.close()));
});

/** What the document would have loaded from elsewhere is refused, and so is what the viewer tries whether it may: to make code. */
const isUnexpected = (complaint: string) =>
	!/img-src|evil\.example|\/x\b|script-src refused eval /.test(complaint);

test('nothing of the reference is asked elsewhere, and it may reach the servers of its document alone', async () => {
	const product = await makeProduct(portal);
	await portal.admin.api.documents.upload.mutate({
		productId: product.id,
		text: first,
		fileName: 'openapi.yaml'
	});
	const person = await newPerson(browser, portal.server.origin, { colorScheme: 'dark' });
	const listAsked = watchAsked(person.context);
	let hasSpoken = false;
	person.page.on('dialog', (dialog) => {
		hasSpoken = true;
		void dialog.dismiss();
	});
	const answers = new Map<string, string>();
	person.page.on('response', (response) => {
		answers.set(new URL(response.url()).pathname, response.headers()['content-security-policy'] ?? '');
	});
	await person.page.goto(`/apis/${product.slug}/documentation`);
	const reference = person.page.frameLocator('iframe');
	await reference.getByText('Read this.').first().waitFor();
	await reference.getByText('/pets').first().click();
	await reference.locator('body.dark-mode').waitFor();
	await person.page.waitForLoadState('networkidle');
	expect(listAsked()).toEqual([]);
	expect(hasSpoken).toBe(false);
	const around = answers.get(`/apis/${product.slug}/documentation`) ?? '';
	const within = answers.get(`/apis/${product.slug}/documentation/reference`) ?? '';
	expect(around).toMatch(/connect-src 'self'(;|$)/);
	// Of the portal, nothing but the document.
	const file = `${portal.server.origin}/apis/${product.slug}/openapi`;
	expect(within).toMatch(new RegExp(`connect-src ${file}\\.(json|yaml) https://api\\.pets\\.example;`));
	expect(within).not.toMatch(/script-src[^;]*unsafe/);
	expect(person.complaints.filter(isUnexpected)).toEqual([]);
	await person.close();
});

test('a schema that refers to itself many times is shown, and what can’t be tried is said where it is uploaded', async () => {
	const product = await makeProduct(portal);
	const names = ['parent', 'left', 'right', 'first', 'last', 'next', 'previous'];
	const text = JSON.stringify({
		openapi: '3.0.3',
		info: { title: 'Trees', version: '1' },
		servers: [{ url: 'https://api.trees.example' }, { url: 'wss://live.trees.example/v1' }],
		paths: {
			'/trees': {
				get: {
					summary: 'Get a tree',
					responses: {
						200: {
							description: 'One',
							content: { 'application/json': { schema: { $ref: '#/components/schemas/Tree' } } }
						}
					}
				}
			}
		},
		components: {
			schemas: {
				Tree: {
					type: 'object',
					properties: Object.fromEntries(names.map((name) => [name, { $ref: '#/components/schemas/Tree' }]))
				}
			}
		}
	});
	const admin = await open(portal.admin, `/admin/products/${product.id}`);
	await admin.page.getByLabel('OpenAPI document').setInputFiles({
		name: 'openapi.json',
		mimeType: 'application/json',
		buffer: Buffer.from(text)
	});
	await admin.page.getByRole('button', { name: 'Upload', exact: true }).click();
	const version = admin.page.locator('[data-version="1"]');
	await version.getByText('“Try it” can’t reach this server:').waitFor();
	await version.getByText('wss://live.trees.example/v1').waitFor();

	const { page, ...person } = await newPerson(browser, portal.server.origin);
	await page.goto(`/apis/${product.slug}/documentation`);
	const reference = page.frameLocator('iframe');
	await reference.getByRole('heading', { name: 'Get a tree' }).first().waitFor();
	await reference.getByText('previous').first().waitFor();
	// The document is downloaded as it is.
	const file = await person.context.request.get(`/apis/${product.slug}/openapi.json`);
	expect(await file.text()).toBe(text);
	expect([...admin.complaints, ...person.complaints.filter(isUnexpected)]).toEqual([]);
	await admin.close();
	await person.close();
});
