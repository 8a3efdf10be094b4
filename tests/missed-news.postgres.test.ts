import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notify } from '../src/database/announcing.ts';
import type { Db, Trx } from '../src/database/database.ts';
import { getPortal, type Portal } from './factories.ts';
import { waitingForLocks } from './race.ts';

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

test('whoever is removed while older news of theirs come in late hears who did it, not that something is missing', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	const row = snapshot.members.find(({ id }) => id === member.memberId);
	/** Committed, and told to nobody. */
	async function write(db: Db | Trx, name: string, payload: object): Promise<number> {
		const actor = { id: company.owner.userId, name: 'Dev Eloper', kind: 'developer' };
		const given = [{ name, actor, payload, isForOrganization: true, isForPortal: false }];
		const { rows } = await sql<{ id: number }>`
			select id from publish_events(${company.id}::uuid, ${JSON.stringify(given)}::jsonb) as id`.execute(db);
		return rows[0]?.id ?? 0;
	}
	const older = await portal.inDatabase((db) => write(db, 'member.updated', { member: row, previous: row }));
	const page = await member.listen();
	await page.until(() => page.online.has(company.id), 'their room');

	await portal.inDatabase((db) =>
		db.transaction().execute(async (trx) => {
			// Whoever asks for the rooms of somebody waits for the removal, and has read before what was to be told.
			await sql`lock table membership in access exclusive mode`.execute(trx);
			await notify(db, [JSON.stringify({ kind: 'event', id: older })]);
			await expect
				.poll(async () => (await sql.raw<{ waiting: number }>(waitingForLocks).execute(trx)).rows[0]?.waiting)
				.toBeGreaterThan(0);
			await trx.deleteFrom('membership').where('id', '=', member.memberId).execute();
			await write(trx, 'member.removed', { member: row, seen: 0 });
		})
	);
	await page.hears('member.removed');
	await page.hears('account');
	expect(page.words).not.toContain('resync');
	// And out they are.
	const before = page.events.length;
	await portal.application(company);
	await portal.application(await portal.space(member));
	await page.hears('application.created');
	const after = page.events.slice(before).map(({ organizationId }) => organizationId);
	expect(after).not.toContain(company.id);
});
