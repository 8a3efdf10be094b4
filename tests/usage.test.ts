import Papa from 'papaparse';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { usageRanges, type UsageRange } from '#lib/usage.ts';
import { refusal, startPortal, type Company, type Portal, type Visitor } from './factories.ts';

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
const bearer = { authorization: `Bearer ${gatewayToken}` };
let portal: Portal;
beforeAll(async () => {
	portal = await startPortal({ GATEWAY_TOKEN: gatewayToken });
});
afterAll(() => portal.stop());

const check = async (token: string) => {
	const response = await fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams({ token }),
		headers: bearer
	});
	return ((await response.json()) as { active: boolean }).active;
};

async function furnish(company: Company) {
	const application = await portal.application(company);
	const credentialId = application.credentials[0]?.id ?? '';
	const place = { organizationId: company.id, applicationId: application.id, credentialId };
	const { secret } = await company.owner.api.credentials.reveal.mutate(place);
	return { application, place, secret };
}
type Place = Awaited<ReturnType<typeof furnish>>['place'];

const read = (by: Visitor, { organizationId, applicationId }: Place, range: UsageRange = 'hour') =>
	by.api.usage.get.query({ organizationId, applicationId, range });

/** Waits until so many requests of the application were written, and looks at them. */
const counted = (by: Visitor, place: Place, total: { allowed: number; refused: number }) =>
	vi.waitFor(
		async () => {
			const usage = await read(by, place);
			expect(usage.total).toEqual(total);
			return usage;
		},
		{ timeout: 240_000, interval: 100 }
	);

/** Dates that nobody could wait for. */
const inPast = (run: (db: Parameters<Parameters<Portal['inDatabase']>[0]>[0]) => Promise<unknown>) =>
	portal.inDatabase(run);

describe('what gateways ask', () => {
	test('is counted by credential and answer, told to open pages, and is no event', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { owner } = company;
		const { place, secret } = await furnish(company);
		const other = await furnish(company);
		const before = await owner.api.organizations.open.query({ slug: company.slug });
		const page = await owner.listen();
		const admins = await portal.admin.listen();
		await Promise.all([page, admins].map((one) => one.hears('news true')));
		for (let time = 0; time < 3; time++) expect(await check(secret)).toBe(true);
		const unknown = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
		expect(await check(unknown)).toBe(false);
		await page.hears(`usage ${company.id}`);
		await admins.hears('usage null');
		const usage = await counted(owner, place, { allowed: 3, refused: 0 });
		expect(usage.credentials).toEqual([
			{ id: place.credentialId, label: 'Default', lastFour: secret.slice(-4), allowed: 3, refused: 0 }
		]);
		expect(usage.lastUses[place.credentialId]).toMatchObject({ gateway: 'First gateway' });
		const used = usage.lastUses[place.credentialId]?.at ?? '';
		expect(Math.abs(Date.parse(used) - Date.now())).toBeLessThan(240_000);
		expect((await read(owner, other.place)).lastUses).toEqual({ [other.place.credentialId]: null });
		for (const range of Object.keys(usageRanges) as UsageRange[]) {
			const { bars, total } = await read(owner, place, range);
			expect(bars).toHaveLength(usageRanges[range].bars);
			expect(total).toEqual({ allowed: 3, refused: 0 });
			expect(bars.reduce((sum, { requests }) => sum + (requests?.allowed ?? 0), 0)).toBe(3);
		}
		const { snapshot } = await owner.api.organizations.open.query({ slug: company.slug });
		expect(snapshot.seq).toBe(before.snapshot.seq);
		const list = await owner.api.usage.list.query({ organizationId: company.id });
		expect(list?.find((one) => one.applicationId === place.applicationId)).toEqual({
			applicationId: place.applicationId,
			day: { allowed: 3, refused: 0 },
			month: { allowed: 3, refused: 0 }
		});
		expect(list?.find((one) => one.applicationId === other.place.applicationId)?.day).toEqual({
			allowed: 0,
			refused: 0
		});
	});

	test('is counted with the reason where it is refused: revoked, expired, organization not active', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { api } = company.owner;
		const { place, secret } = await furnish(company);
		const organizationId = company.id;
		await portal.admin.api.organizations.suspend.mutate({ organizationId });
		expect(await check(secret)).toBe(false);
		await portal.admin.api.organizations.restore.mutate({ organizationId });
		await inPast((db) =>
			db
				.updateTable('credential')
				.set({ expiresAt: new Date(0) })
				.where('id', '=', place.credentialId)
				.execute()
		);
		for (let time = 0; time < 2; time++) expect(await check(secret)).toBe(false);
		await inPast((db) =>
			db.updateTable('credential').set({ expiresAt: null }).where('id', '=', place.credentialId).execute()
		);
		await api.credentials.revoke.mutate(place);
		for (let time = 0; time < 3; time++) expect(await check(secret)).toBe(false);
		const usage = await counted(company.owner, place, { allowed: 0, refused: 6 });
		expect(usage.refusals).toEqual([
			{ answer: 'revoked', count: 3 },
			{ answer: 'expired', count: 2 },
			{ answer: 'organization', count: 1 }
		]);
		expect(usage.lastUses).toEqual({ [place.credentialId]: null });
	});

	test('is written by a process that is asked to end', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { place, secret } = await furnish(company);
		expect(await check(secret)).toBe(true);
		expect(await check(secret)).toBe(true);
		expect(await portal.server.stop()).toBe(0);
		await portal.server.restart();
		expect((await read(company.owner, place)).total).toEqual({ allowed: 2, refused: 0 });
	});

	test('goes with the application, and what is older than it is kept goes by itself', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { place, secret } = await furnish(company);
		await check(secret);
		await counted(company.owner, place, { allowed: 1, refused: 0 });
		const { credentialId } = place;
		const rows = [
			['minute', 1, 3],
			['hour', 89, 91],
			['day', 3 * 365 - 1, 3 * 365 + 3]
		] as const;
		await inPast(async (db) => {
			for (const [span, ...days] of rows) {
				for (const back of days) {
					const at = new Date(Date.now() - back * 86_400_000);
					await db
						.insertInto('usageCount')
						.values({ credentialId, span, at, answer: 'allowed', count: 7 })
						.execute();
					await db.insertInto('usageWatch').values({ span, at }).execute();
				}
			}
			await db
				.insertInto('usageBatch')
				.values({ key: 'old', at: new Date(Date.now() - 3 * 86_400_000) })
				.execute();
		});
		// What tidies up begins with the process.
		await portal.server.restart();
		const old = () =>
			portal.inDatabase((db) =>
				db
					.selectFrom('usageCount')
					.select('span')
					.where('credentialId', '=', credentialId)
					.where('count', '=', 7)
					.orderBy('span')
					.execute()
			);
		await expect.poll(old).toEqual([{ span: 'day' }, { span: 'hour' }, { span: 'minute' }]);
		const left = () =>
			portal.inDatabase((db) => db.selectFrom('usageBatch').select('key').where('key', '=', 'old').execute());
		await expect.poll(left).toEqual([]);
		await company.owner.api.applications.delete.mutate(
			(({ organizationId, applicationId }) => ({ organizationId, applicationId }))(place)
		);
		const kept = await portal.inDatabase(async (db) => [
			...(await db.selectFrom('usageCount').selectAll().where('credentialId', '=', credentialId).execute()),
			...(await db.selectFrom('credentialUse').selectAll().where('credentialId', '=', credentialId).execute())
		]);
		expect(kept).toEqual([]);
	});
});

test('a bar is a zero where somebody was counting, and a gap where nobody was or nothing was there yet', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { place, secret } = await furnish(company);
	await check(secret);
	await counted(company.owner, place, { allowed: 1, refused: 0 });
	const hour = 3_600_000;
	const now = Math.floor(Date.now() / hour) * hour;
	await inPast(async (db) => {
		await db
			.updateTable('application')
			.set({ createdAt: new Date(now - 5 * hour) })
			.where('id', '=', place.applicationId)
			.execute();
		// Before it existed, while it did, and not in the hour after that.
		for (const back of [8, 4, 2])
			await db
				.insertInto('usageWatch')
				.values({ span: 'hour', at: new Date(now - back * hour) })
				.onConflict((conflict) => conflict.doNothing())
				.execute();
	});
	const { bars } = await read(company.owner, place, 'day');
	const of = (back: number) => bars.find(({ at }) => Date.parse(at) === now - back * hour)?.requests;
	expect([8, 4, 3, 2].map(of)).toEqual([null, { allowed: 0, refused: 0 }, null, { allowed: 0, refused: 0 }]);
});

describe('credentials that nobody uses', () => {
	test('are listed when that is known for 90 days, and revoked together, but for those used meanwhile', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { api } = company.owner;
		const { place, secret } = await furnish(company);
		const second = await furnish(company);
		const young = await furnish(company);
		const { organizationId } = place;
		const longAgo = new Date(Date.now() - 100 * 86_400_000);
		const old = [place.credentialId, second.place.credentialId];
		await inPast((db) =>
			db.updateTable('credential').set({ createdAt: longAgo }).where('id', 'in', old).execute()
		);
		await inPast((db) => db.deleteFrom('usageWatch').where('at', '<', longAgo).execute());
		const list = () => api.usage.listIdle.query({ organizationId });
		// Nobody was counting then.
		expect(await list()).toEqual({ silentCount: 0, silent: [], lateCount: 0, late: [] });
		await inPast((db) => db.insertInto('usageWatch').values({ span: 'day', at: longAgo }).execute());
		const { silent, silentCount } = await list();
		expect(silentCount).toBe(2);
		expect(silent.map(({ id }) => id).sort()).toEqual(old.toSorted());
		expect((await portal.admin.api.usage.getPortal.query({})).silentCount).toBeGreaterThanOrEqual(2);
		// One of the two is used before the button is pressed.
		await check(secret);
		await counted(company.owner, place, { allowed: 1, refused: 0 });
		expect((await list()).silent.map(({ id }) => id)).toEqual([second.place.credentialId]);
		const foreign = await furnish(await portal.company({ admin: portal.admin }));
		const revoke = (credentialIds: string[]) =>
			api.credentials.revokeSilent.mutate({ organizationId, credentialIds });
		expect(await refusal(revoke([...old, foreign.place.credentialId]))).toMatchObject({ status: 404 });
		expect(await revoke([...old, young.place.credentialId])).toEqual({ revoked: 1, left: 2 });
		expect(await check(secret)).toBe(true);
		expect(await check(second.secret)).toBe(false);
		expect(await check(young.secret)).toBe(true);
		expect(await check(foreign.secret)).toBe(true);
		const { snapshot } = await api.organizations.open.query({ slug: company.slug });
		expect(snapshot.recent[0]).toMatchObject({
			name: 'credential.revoked',
			payload: { credential: { id: second.place.credentialId } }
		});
	});

	test('and those that somebody uses after they were replaced', async () => {
		const company = await portal.company({ admin: portal.admin });
		const { api } = company.owner;
		const { place, secret } = await furnish(company);
		await check(secret);
		await counted(company.owner, place, { allowed: 1, refused: 0 });
		await api.credentials.rotate.mutate({ ...place, overlapSeconds: 3600 });
		const list = () => api.usage.listIdle.query({ organizationId: company.id });
		expect(await list()).toMatchObject({ lateCount: 0, late: [] });
		await check(secret);
		await counted(company.owner, place, { allowed: 2, refused: 0 });
		expect(await list()).toMatchObject({
			lateCount: 1,
			late: [{ id: place.credentialId, label: 'Default' }]
		});
		expect((await portal.admin.api.usage.getPortal.query({})).late).toContainEqual(
			expect.objectContaining({ id: place.credentialId, organizationName: company.name })
		);
	});

	test('a Super admin sees which of those that a leaver knows are in use', async () => {
		const company = await portal.company({ admin: portal.admin });
		const leaver = await portal.member(company);
		const [one, other] = [await furnish(company), await furnish(company)];
		for (const { place } of [one, other]) await leaver.api.credentials.reveal.mutate(place);
		await check(one.secret);
		await counted(company.owner, one.place, { allowed: 1, refused: 0 });
		const organizationId = company.id;
		const { api } = company.owner;
		const known = await api.members.listRevealed.query({ organizationId, memberId: leaver.memberId });
		await leaver.api.members.leave.mutate({ organizationId });
		for (const list of [known, await api.credentials.listExposed.query({ organizationId })]) {
			const uses = Object.fromEntries(list.map(({ id, lastUsedAt }) => [id, lastUsedAt !== null]));
			expect(uses).toEqual({ [one.place.credentialId]: true, [other.place.credentialId]: false });
		}
	});
});

test('the export holds what was counted, one row for each hour, credential and answer', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { place, secret } = await furnish(company);
	await check(secret);
	await counted(company.owner, place, { allowed: 1, refused: 0 });
	// More than one batch of them.
	await inPast((db) =>
		sql`
			insert into usage_count (credential_id, span, at, answer, count)
			select ${place.credentialId}, 'day', date_trunc('day', now(), 'UTC') - make_interval(days => ago), answer, 2
			from generate_series(1, 300) as ago, unnest(array['allowed', 'revoked', 'expired', 'organization']) as answer`.execute(
			db
		)
	);
	const path = `/api/organizations/${company.id}/applications/${place.applicationId}/usage.csv`;
	const answer = await company.owner.request(`${path}?range=year`);
	expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="usage-[\d-]{10}\.csv"$/);
	const [header, ...rows] = Papa.parse<string[]>(await answer.text(), {
		newline: '\r\n',
		skipEmptyLines: true
	}).data;
	expect(header).toEqual(['time', 'credential', 'last_four', 'credential_id', 'answer', 'requests']);
	const { total } = await read(company.owner, place, 'year');
	expect(rows.reduce((sum, row) => sum + Number(row[5]), 0)).toBe(total.allowed + total.refused);
	expect(rows.length).toBeGreaterThan(1000);
	expect(new Set(rows.map((row) => row.slice(0, 5).join())).size).toBe(rows.length);
	// As many as fit into one batch: nothing follows it.
	await inPast((db) =>
		sql`
			delete from usage_count where span = 'day' and (credential_id, at, answer) in (
				select credential_id, at, answer from usage_count
				where credential_id = ${place.credentialId} and span = 'day' order by at, answer offset 1000
			)`.execute(db)
	);
	const full = await company.owner.api.usage.listRows.query({
		organizationId: company.id,
		applicationId: place.applicationId,
		range: 'year'
	});
	expect([full.rows.length, full.next]).toEqual([1000, null]);
	const stranger = await portal.person();
	expect((await stranger.request(path)).status).toBe(404);
	expect((await portal.visitor().request(path)).status).toBe(401);
	expect((await company.owner.request(`${path}?range=century`)).status).toBe(400);
});
