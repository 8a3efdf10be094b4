import fs, { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path, { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { FileMigrationProvider, Migrator } from 'kysely/migration';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { connect, openDatabase, type Db } from '../src/database/database.ts';
import { startPortal, unique, type Company, type Portal } from './factories.ts';
import { createDatabase } from './harness.ts';
import { runProgram } from './commands.ts';

/** `npm run verify-activity`, as an operator runs it, on what somebody with the database's own rights has done. */

let portal: Portal;
let company: Company;
beforeAll(async () => {
	portal = await startPortal();
	company = await portal.company({ admin: portal.admin, name: unique('Chained “Łódź” \\n =1+1') });
	await portal.application(company);
	await portal.member(company, 'team_member', { isFrontDoor: true });
});
afterAll(() => portal.stop());

/** The server is started again where a test needs it: the embedded database belongs to one process at a time. */
const isEmbedded = inject('database') === 'pglite';
const whileAway = async <Result>(run: () => Promise<Result>): Promise<Result> => {
	if (isEmbedded) await portal.server.stop();
	return run();
};
const wake = () => (portal.server.isRunning ? undefined : portal.server.restart());

const getEnv = () => ({
	DATA_FOLDER: portal.server.dataFolder,
	...(portal.server.databaseUrl && { DATABASE_URL: portal.server.databaseUrl })
});

const run = (env: Record<string, string> = getEnv()) => runProgram('src/programs/verify.ts', env);
const verify = () => whileAway(() => run());

const inDatabase = <Result>(work: (db: Db) => Promise<Result>) =>
	whileAway(async () => {
		const database = await openDatabase(getEnv());
		try {
			return await work(database.db);
		} finally {
			await database.close();
		}
	});

/** As a superuser who knows what the triggers are for. */
const tamper = (change: (db: Db) => Promise<unknown>) =>
	inDatabase(async (db) => {
		await sql`alter table event disable trigger user`.execute(db);
		await change(db);
		await sql`alter table event enable trigger user`.execute(db);
	});

const ofCompany = (db: Db) => db.selectFrom('event').selectAll().where('organizationId', '=', company.id);

test('says how many entries are right, also after everybody has written at once', async () => {
	const busy = await run();
	if (isEmbedded) expect(busy.errors).toContain('Portico is running on this data folder');
	expect(busy.code).toBe(isEmbedded ? 1 : 0);
	const before = await verify();
	expect(before).toMatchObject({ code: 0, errors: '' });
	const count = Number(/^(\d+) entries/.exec(before.output)?.[1]);
	expect(count).toBeGreaterThan(10);
	await wake();
	// Embedded, one transaction comes after the other anyhow.
	const several = isEmbedded ? 2 : 6;
	const others = await Promise.all(
		Array.from({ length: several }, () => portal.company({ admin: portal.admin }))
	);
	const all = [company, ...others].flatMap((one) => [one, one, one, one]);
	await Promise.all(all.map((one) => portal.application(one)));
	const after = await verify();
	expect(after).toMatchObject({ code: 0, errors: '' });
	// The portal's stream and the organization's each: an account registered and proven, two of the request, four made.
	const grown = Number(/^(\d+) entries/.exec(after.output)?.[1]) - count;
	expect(grown).toBeGreaterThanOrEqual(several * (2 + 2 * 2) + all.length * 2);
});

test('keeps the triggers of the table between everybody else and the events', async () => {
	const outcomes = await inDatabase(async (db) => {
		const row = await db
			.selectFrom('event')
			.selectAll()
			.where('portalSeq', 'is', null)
			.executeTakeFirstOrThrow();
		const tries = [
			() => sql`update event set name = name where id = ${row.id}`.execute(db),
			() => sql`delete from event where id = ${row.id}`.execute(db),
			() => sql`delete from event where portal_seq = 1`.execute(db),
			() => sql`truncate event`.execute(db)
		];
		const answers = [];
		for (const attempt of tries) answers.push(await attempt().then(() => 'done', String));
		return answers;
	});
	expect(outcomes).toEqual(Array(4).fill(expect.stringContaining('events are append-only')));
});

// To look into an embedded database the server has to be stopped: what it finds by the same code is found here.
if (!isEmbedded) {
	test('is whole after an account with a personal space is deleted', async () => {
		const person = await portal.person();
		const { organizations } = await person.api.sessions.get.query({});
		const organizationId = organizations[0]?.id ?? '';
		await person.api.applications.create.mutate({ organizationId, name: 'Mine', description: '' });
		const count = () =>
			inDatabase((db) =>
				db.selectFrom('event').select('id').where('organizationId', '=', organizationId).execute()
			);
		expect(await count()).toHaveLength(1);
		await portal.admin.api.accounts.delete.mutate({ accountId: person.userId });
		// While it is being swept, nothing is missing.
		expect(await verify()).toMatchObject({ code: 0, errors: '' });
		// It goes by the job that tidies.
		await vi.waitFor(async () => expect(await count()).toEqual([]), { timeout: 240_000, interval: 500 });
		expect(await verify()).toMatchObject({ code: 0, errors: '' });
	});

	test('names a row that was altered, and the stream that it stands in', async () => {
		const [row] = await inDatabase((db) => ofCompany(db).where('name', '=', 'member.joined').execute());
		const set = (firstName: string) =>
			tamper((db) =>
				sql`update event set payload = jsonb_set(payload, '{member,firstName}', to_jsonb(${firstName}::text))
				where id = ${row?.id ?? 0}`.execute(db)
			);
		await set('Somebody else');
		const { code, errors } = await verify();
		expect(code).toBe(1);
		expect(errors).toContain(
			`The portal’s stream: number ${row?.portalSeq} (member.joined, row ${row?.id}) was altered`
		);
		expect(errors).toContain(
			`${company.name} (${company.id}): number ${row?.seq} (member.joined, row ${row?.id}) was altered`
		);
		expect(errors.trim().split('\n')).toHaveLength(2);
		await set((row?.payload as { member: { firstName: string } }).member.firstName);
		expect(await verify()).toMatchObject({ code: 0, errors: '' });
	});

	test('names a row that was taken out of the middle, and a tail that was cut off', async () => {
		const rows = await inDatabase((db) =>
			ofCompany(db).where('seq', 'is not', null).orderBy('seq').execute()
		);
		const [middle, last] = [rows.findLast(({ portalSeq }) => portalSeq === null), rows.at(-1)];
		if (!middle?.seq || !last?.seq) throw new Error('The company has no such events.');
		const put = (db: Db, row: typeof middle) =>
			sql`insert into event overriding system value
			select (jsonb_populate_record(null::event, ${JSON.stringify({
				id: row.id,
				organization_id: row.organizationId,
				seq: row.seq,
				hash: `\\x${Buffer.from(row.hash ?? []).toString('hex')}`,
				name: row.name,
				actor: row.actor,
				payload: row.payload,
				at: row.at
			})}::text::jsonb)).*`.execute(db);
		const exactly = (db: Db) =>
			sql<{ at: string }>`select at::text from event where id = ${middle.id}`.execute(db);
		const { rows: times } = await inDatabase(exactly);
		await tamper((db) => db.deleteFrom('event').where('id', '=', middle.id).execute());
		const gap = await verify();
		expect(gap.code).toBe(1);
		expect(gap.errors.trim()).toBe(`${company.name} (${company.id}): number ${middle.seq} is missing.`);
		await tamper((db) => put(db, { ...middle, at: (times[0]?.at ?? '') as unknown as Date }));
		expect(await verify()).toMatchObject({ code: 0, errors: '' });

		await tamper((db) => db.deleteFrom('event').where('id', '=', last.id).execute());
		const cut = await verify();
		expect(cut.code).toBe(1);
		expect(cut.errors).toContain(
			`${company.name} (${company.id}): number ${last.seq} is missing at the end.`
		);
		// A head that is put right with the number alone doesn't fit the row that is now the last.
		await tamper((db) =>
			db
				.updateTable('organization')
				.set({ lastSeq: last.seq! - 1 })
				.where('id', '=', company.id)
				.execute()
		);
		const { errors } = await verify();
		expect(errors).toContain(`number ${last.seq - 1} at the end is not the one that the stream ended with.`);
	});

	test('finds what was written before events were chained whole too', async () => {
		const own = await createDatabase();
		const folder = await mkdtemp(join(tmpdir(), 'portico-old-'));
		const env = { DATA_FOLDER: folder, DATABASE_URL: own.url };
		const old = await connect(env);
		const migrator = new Migrator({
			db: old.db,
			provider: new FileMigrationProvider({ fs, path, migrationFolder: resolve('migrations') })
		});
		const { error } = await migrator.migrateTo('20261124T1110_govern_accounts');
		expect(error).toBeUndefined();
		await sql`
		insert into organization (slug, name, name_key, status, last_seq)
		select 'old-' || n, 'Old ' || n, 'old ' || n, 'approved', 3 from generate_series(1, 2) n`.execute(old.db);
		await sql`
		insert into event (organization_id, seq, portal_seq, name, actor, payload)
		select id, n, case n when 2 then row_number() over (partition by n order by id) end,
			'member.left', '{"id": null, "name": "Zoë", "kind": "system"}', '{"b": 1.50, "a": "x\\ny"}'
		from organization cross join generate_series(1, 3) n`.execute(old.db);
		await sql`update portal set last_seq = 2`.execute(old.db);
		await old.close();
		await (await openDatabase(env)).close();
		expect(await run(env)).toEqual({
			code: 0,
			errors: '',
			output: '8 entries in 3 streams are as they were written; none is missing.\n'
		});
		await own.drop();
		await rm(folder, { recursive: true });
	});
}
