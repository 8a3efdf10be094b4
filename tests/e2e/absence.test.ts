import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, type Portal } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';
import { createCut } from './cut.ts';

/** What a portal admin's lists are after their page could hear nothing for a while. */

let browser: Browser;
let portal: Portal;
beforeAll(async () => {
	[browser, portal] = await Promise.all([getBrowser(), getPortal()]);
});
afterAll(() => portal.stop());

async function open(path: string) {
	const connection = createCut();
	const person = await openAs(browser, portal.server.origin, portal.admin, path, {
		prepare: connection.wire
	});
	const { page } = person;
	return {
		...person,
		async awayDuring(happens: () => Promise<unknown>) {
			const everything = /\/trpc\/|__data\.json/;
			await page.route(everything, (route) => route.abort());
			await connection.cut();
			await page.getByText('Live', { exact: true }).waitFor({ state: 'hidden' });
			await happens();
			await page.unroute(everything);
			connection.mend();
			await page.getByText('Live', { exact: true }).waitFor();
			person.forgive(/WebSocket|ERR_FAILED/);
		}
	};
}

test('a list has what came at its beginning, also where more has happened since than a page is told', async () => {
	const mark = unique('Absent').replace(' ', '');
	const { page, awayDuring, complaints, close } = await open(`/admin/users?search=${mark}`);
	const names = ['One name', 'Another'];
	let email = '';
	await awayDuring(async () => {
		({ email } = await portal.person({ lastName: mark }));
		for (let turn = 0; turn < 30; turn += 1)
			await portal.admin.api.settings.update.mutate({ name: names[turn % 2] });
	});
	await page.locator(`[data-account="${email}"]`).waitFor();
	expect(complaints).toEqual([]);
	await close();
});

test('“Activity” keeps the older entries that were asked for, also those of an organization that is gone', async () => {
	const gone = await portal.company();
	// What its deletion leaves, when its time has come.
	await portal.inDatabase((db) => db.deleteFrom('organization').where('id', '=', gone.id).execute());
	const company = await portal.company({ admin: portal.admin });
	for (let i = 0; i < 60; i += 1) await portal.application(company);
	const { page, awayDuring, complaints, close } = await open('/admin/activity');
	const lines = page.getByRole('main').getByRole('listitem');
	const entry = lines.filter({ hasText: gone.name }).first();
	while ((await entry.count()) === 0) {
		const shown = await lines.count();
		await page.getByRole('button', { name: 'Show older' }).click();
		await expect.poll(() => lines.count()).toBeGreaterThan(shown);
	}
	const before = await lines.count();
	const other = unique('Missed');
	await awayDuring(() => portal.company({ admin: portal.admin, name: other }));
	await lines.filter({ hasText: other }).first().waitFor();
	expect(await entry.isVisible()).toBe(true);
	expect(await lines.count()).toBeGreaterThan(before);
	expect(complaints).toEqual([]);
	await close();
});
