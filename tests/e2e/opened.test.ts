import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleApi, sampleListen, samplePlaceholder } from '#lib/gateway-text.ts';
import { getPortal, unique, type Portal, type Visitor } from '../factories.ts';
import { createGateway, createKeyOf } from '../gateways.ts';
import { findFreePort } from '../harness.ts';
import { createPlan, createProduct } from '../products.ts';
import { findProgram, startNginx } from '../programs.ts';
import { getBrowser, openAs } from './browser.ts';

/** From an API product that nobody sees to a key that opens it at a real nginx, and to the end of that. */

let browser: Browser;
let portal: Portal;
let folder: string;
const running: ChildProcess[] = [];
const api = createServer(({ headers }, response) => {
	response.end(JSON.stringify({ product: headers['x-portico-product'] }));
});
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	folder = await mkdtemp(join(tmpdir(), 'portico-opened-'));
	await chmod(folder, 0o755);
	await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
	const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
	for (const child of running) child.kill('SIGTERM');
	await Promise.all(ended);
	api.close();
	await portal.stop();
	await rm(folder, { recursive: true, force: true });
});

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

/** A product with a plan, and nginx in front of it with the lines that the gateway's page shows. */
async function offer(program: string, perMonth: number) {
	const product = await createProduct(portal, { name: unique('Journey'), visibility: 'organizations' });
	await createPlan(portal, product.id, { name: 'Business', approval: 'manual', perSecond: 0, perMonth });
	const { gateway, token } = await createGateway(portal, { kind: 'nginx' });
	const serving = { productId: product.id, gatewayId: gateway.id, isServing: true };
	await portal.admin.api.products.serve.mutate(serving);
	const { page, ...admin } = await open(portal.admin, `/admin/gateways/${gateway.id}`);
	const lines = (await page.locator('[data-lines]').textContent()) ?? '';
	await admin.close();
	const port = await findFreePort();
	return { product, port, lines: filled(lines, token, port), program };
}

const filled = (lines: string, token: string, port: number) =>
	lines
		.replaceAll(samplePlaceholder, token)
		.replaceAll(sampleApi, `127.0.0.1:${(api.address() as AddressInfo).port}`)
		.replace(`listen ${sampleListen}`, `listen 127.0.0.1:${port}`);

async function begin({ program, port, lines }: Awaited<ReturnType<typeof offer>>): Promise<void> {
	const own = await mkdtemp(join(folder, 'nginx-'));
	await chmod(own, 0o755);
	running.push(await startNginx(program, own, lines));
	const answers = () =>
		fetch(`http://127.0.0.1:${port}/`).then(
			({ status }) => status,
			() => 0
		);
	await expect.poll(answers, { interval: 50 }).toBe(401);
}

test('a product is published, asked for, approved, used up and taken away, where it is installed', async ({
	skip
}) => {
	const program = findProgram('nginx');
	if (!program) return skip('nginx is not installed here');
	const [offered, other] = [await offer(program, 5), await offer(program, 5)];
	await begin(offered);
	await begin(other);
	const { product, port } = offered;
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const stranger = await portal.company({ admin: portal.admin });
	const { application, secret } = await createKeyOf(company);
	const call = async (at = port) => {
		const response = await fetch(`http://127.0.0.1:${at}/`, {
			headers: { authorization: `Bearer ${secret}` }
		});
		return { status: response.status, text: await response.text() };
	};
	expect((await call()).status).toBe(403);

	const path = `/apis?search=${encodeURIComponent(product.name)}`;
	const [admin, team, lead, outside] = [
		await open(portal.admin, `/admin/products/${product.id}`),
		await open(member, path),
		await open(company.owner, `/orgs/${company.slug}/applications/${application.id}`),
		await open(stranger.owner, path)
	];
	await admin.page.getByLabel('Choose an organization').fill(company.name);
	await admin.page.getByRole('option', { name: company.name }).click();
	await admin.page.locator('[data-audience]').getByText(company.name).waitFor();
	await admin.page.getByRole('button', { name: 'Publish', exact: true }).click();
	await admin.page.getByRole('alertdialog').getByRole('button', { name: 'Publish' }).click();
	const found = team.page.locator(`[data-product="${product.slug}"]`);
	await found.waitFor();
	expect(await outside.page.locator(`[data-product="${product.slug}"]`).count()).toBe(0);

	// The team asks; the provider approves; the key opens this product and no other.
	await found.getByRole('link').click();
	await team.page.getByRole('link', { name: 'Get access by the plan Business' }).click();
	await team.page.getByLabel('Application', { exact: true }).selectOption(`${company.id}:${application.id}`);
	await team.page.getByRole('button', { name: 'Send the request' }).click();
	const held = lead.page.locator(`[data-product="${product.slug}"]`);
	await held.getByText('Pending', { exact: true }).waitFor();
	expect((await call()).status).toBe(403);
	await admin.page.goto(`/admin/access?organization=${company.id}`);
	const row = admin.page.locator('[data-request]').filter({ hasText: product.name });
	await row.getByRole('button', { name: /^Approve/ }).click();
	await held.getByText('Has access', { exact: true }).waitFor();
	expect(await call()).toEqual({ status: 200, text: JSON.stringify({ product: product.slug }) });
	expect((await call(other.port)).status).toBe(403);

	// Its plan holds five requests a month.
	let through = 1;
	for (let last = 200; last === 200;) {
		({ status: last } = await call());
		if (last === 200) through += 1;
		else expect(last).toBe(429);
	}
	expect(through).toBe(5);
	await lead.page.getByRole('progressbar', { name: `Requests of ${product.name} in this month` }).waitFor();
	await lead.page.getByText('100 % of this month: 5 of 5').waitFor();

	// The provider ends it: refused from the next request on, as the team's page says.
	await admin.page.getByRole('link', { name: 'Approved' }).click();
	await row.getByRole('button', { name: /^End access/ }).click();
	const dialog = admin.page.getByRole('dialog');
	await dialog.getByLabel('Ends').selectOption('0');
	await dialog.getByLabel('Reason').fill('The contract has ended.');
	await dialog.getByRole('button', { name: /^End/ }).click();
	await held.getByText('Ended', { exact: true }).waitFor();
	const refused = await call();
	expect(refused.status).toBe(403);
	for (const one of [admin, team, lead, outside]) {
		expect(one.complaints).toEqual([]);
		await one.close();
	}
});
