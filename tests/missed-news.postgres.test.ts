import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, type Portal } from './factories.ts';

/** News that never came, as of a row that is changed by hand: what is open is compared with the database. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

test('whoever is in a room that isn’t theirs any more is put out of it, and their page asks what happened', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const [page, colleague] = await Promise.all([member.listen(), company.owner.listen()]);
	await page.until(() => page.online.has(company.id), 'their room');

	await portal.inDatabase((db) => db.deleteFrom('membership').where('id', '=', member.memberId).execute());
	await page.hears('resync');
	const before = page.events.length;
	await portal.application(company);
	await colleague.hears('application.created');
	// In the order of the news: were the room still theirs, its news would have come first.
	await portal.application(await portal.space(member));
	await page.hears('application.created');
	const after = page.events.slice(before).map(({ organizationId }) => organizationId);
	expect(after).not.toContain(company.id);
	expect(colleague.words).not.toContain('resync');
});
