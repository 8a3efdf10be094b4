import { expect, test } from 'vitest';
import { getPortal, unique } from '../factories.ts';
import { getBrowser, openAs } from './browser.ts';

test('a list that goes on shows each row once and leaves none out, whatever comes and goes above', async () => {
	const [browser, portal] = await Promise.all([getBrowser(), getPortal()]);
	const mark = unique('Shown').replace(' ', '');
	const come = () => portal.person({ lastName: mark });
	for (let i = 0; i < 53; i += 1) await come();
	const { page, complaints, close } = await openAs(
		browser,
		portal.server.origin,
		portal.admin,
		`/admin/users?search=${mark}`
	);
	const rows = page.getByRole('main').locator('[data-account]');
	await page.getByRole('button', { name: 'Show more' }).click();
	await expect.poll(() => rows.count()).toBe(53);

	const row = (email: string) => page.locator(`[data-account="${email}"]`);
	for (let round = 0; round < 2; round += 1) {
		const { email, userId } = await come();
		await row(email).waitFor();
		expect(await rows.count()).toBe(54);
		await portal.admin.api.accounts.delete.mutate({ accountId: userId });
		await row(email).waitFor({ state: 'detached' });
		expect(await rows.count()).toBe(53);
	}
	const { email } = await come();
	await row(email).waitFor();
	const { accounts, next } = await portal.admin.api.accounts.list.query({ search: mark });
	const following = await portal.admin.api.accounts.list.query({ search: mark, after: next });
	const shown = await rows.evaluateAll((all) => all.map((one) => one.getAttribute('data-account')));
	expect(shown).toEqual([...accounts, ...following.accounts].map(({ email }) => email));

	// The last of the first page, in whose place another moves up.
	const gone = accounts.at(-1);
	await portal.admin.api.accounts.delete.mutate({ accountId: gone?.id ?? '' });
	await row(gone?.email ?? '').waitFor({ state: 'detached' });
	expect(await rows.count()).toBe(53);
	expect(complaints).toEqual([]);
	await close();
	await portal.stop();
});
