import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect as dial, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../src/database/database.ts';
import { createPool } from '../src/database/pool.ts';
import { refusal, startPortal } from './factories.ts';
import { createDatabase, findFreePort, startServer } from './harness.ts';
import { findProgram, startPgbouncer } from './programs.ts';

/** What doesn't fit between a portal and what it runs beside is said in its log at the start. */

let own: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
	own = await createDatabase({ isPrepared: true });
});
afterAll(() => own.drop());

const keys = {
	ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
	LOOKUP_KEY: Buffer.alloc(32, 8).toString('base64')
};
const start = (env: Record<string, string> = {}) =>
	startServer({ database: 'postgres', env: { DATABASE_URL: own.url, ...keys, ...env } });

/** A way to the database on which what a portal says is changed before it arrives: as long as it was. */
async function startMeddling(from: string, to: string) {
	const target = new URL(own.url);
	const open = new Set<Socket>();
	const server = createServer((near) => {
		const far = dial(Number(target.port || 5432), target.hostname);
		for (const [one, other] of [
			[near, far],
			[far, near]
		] as const) {
			open.add(one);
			one.on('error', () => other.destroy());
			one.on('close', () => other.destroy());
		}
		near.on('data', (bytes) => {
			const said = bytes.toString('latin1');
			far.write(said.includes(from) ? Buffer.from(said.replaceAll(from, to), 'latin1') : bytes);
		});
		far.pipe(near);
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const url = new URL(own.url);
	url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		url: url.href,
		async stop() {
			for (const one of open) one.destroy();
			server.close();
			await once(server, 'close');
		}
	};
}

test('portals of two versions on one database: the one that starts says which others there are, and when they have gone', async () => {
	await using first = await start();
	expect(first.logs).not.toContain('beside it on the same database');
	const { db, close } = await connect({ DATABASE_URL: own.url, DATA_FOLDER: '' });
	await sql`
		insert into process (id, host, version, encryption_key, lookup_key, seen_at)
		values (gen_random_uuid(), 'web-2', '9.9.9 (later)', 'x', 'x', now() + interval '1 hour')`.execute(db);
	await using second = await start();
	await second.waitForLog(/"level":40.*runs 9\.9\.9 \(later\) on web-2/);
	expect(second.logs).toContain('"others":[{"host":"web-2","version":"9.9.9 (later)"}]');
	await first.waitForLog(/runs 9\.9\.9 \(later\) on web-2/);
	await sql`delete from process where host = 'web-2'`.execute(db);
	await second.waitForLog(/all portals on this database run/);
	await close();
});

test('a portal that is older than the tables refuses to write to them, and those that run go on', async () => {
	const later = await createDatabase({ isPrepared: true });
	const { db, close } = await connect({ DATABASE_URL: later.url, DATA_FOLDER: '' });
	await sql`
		insert into kysely_migration (name, timestamp) values ('20991231T0900_know_more', '2099-12-31')`.execute(db);
	await close();
	await expect(start({ DATABASE_URL: later.url })).rejects.toThrow(
		'This Portico is older than the database, which a newer version has brought up to date (20991231T0900_know_more)'
	);
	await later.drop();
});

test('a clock that is apart from the database’s is told with how far and which way', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'portico-clock-'));
	const late = join(folder, 'late.ts');
	// As a machine whose clock is wrong: everything in the process sees that time.
	await writeFile(
		late,
		`const now = Date.now;\nDate.now = () => now() - 90_000;\nawait import(${JSON.stringify(join(process.cwd(), 'src/server.ts'))});\n`
	);
	await using server = await startServer({
		database: 'postgres',
		script: late,
		env: { DATABASE_URL: own.url, ...keys }
	});
	await server.waitForLog(
		/"level":40.*the clock of this machine is (?:89|90)\.\d seconds behind the clock of the database/
	);
	await using right = await start();
	expect(right.logs).not.toContain('the clock of this machine');
	await rm(folder, { recursive: true });
});

test('a pooler that swallows LISTEN is told at the start, and pages say that they are not live', async () => {
	const way = await startMeddling('listen "portico"', 'listen "portica"');
	await using server = await start({ DATABASE_URL: way.url });
	await server.waitForLog(/"level":50.*notifications don’t arrive/);
	expect(server.logs).toContain('DATABASE_URL');
	await way.stop();
});

const pgbouncer = findProgram('pgbouncer');

test.skipIf(!pgbouncer)(
	'PgBouncer in session mode, by its own defaults: a portal starts, keeps its limits, hears news, and leaves nothing to others',
	async () => {
		const folder = await mkdtemp(join(tmpdir(), 'portico-pooled-'));
		const database = await createDatabase({ isPrepared: true });
		const place = { url: database.url, folder, port: await findFreePort(), mode: 'session' } as const;
		await using way = await startPgbouncer(pgbouncer ?? '', place);
		const portal = await startPortal({ DATABASE_URL: way.url });
		const company = await portal.company({ admin: portal.admin });
		const page = await company.owner.listen();
		await page.until(() => page.words.includes('news true'), 'the news');
		await portal.application(company);
		await page.until(() => page.words.includes('application.created'), 'what was made');
		await portal.inDatabase((db) =>
			db.transaction().execute(async (trx) => {
				await sql`select from organization where id = ${company.id} for update`.execute(trx);
				// Without a limit it would wait for as long as this transaction waits for it.
				expect(await refusal(portal.application(company))).toMatchObject({ status: 503 });
			})
		);
		await portal.stop();

		const pool = createPool(way.url, { max: 1, limits: 'bounded' });
		const ask = async (on: pg.Pool) =>
			(
				await on.query<{ name: string; setting: string }>(
					`select name, setting from pg_settings where name ~ '^(lock|statement|idle_in_transaction_session)_timeout$' order by name`
				)
			).rows.map(({ setting }) => setting);
		expect(await ask(pool)).toEqual(['15000', '5000', '15000']);
		await pool.end();
		// In the session of the one before.
		const other = new pg.Pool({ connectionString: way.url, max: 1 });
		expect(await ask(other)).toEqual(['0', '0', '0']);
		await other.end();
		await way.stop();
		await database.drop();
		await rm(folder, { recursive: true });
	}
);

test.skipIf(!pgbouncer)('a pooler in transaction mode is told at once, by each program', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'portico-pooled-'));
	const place = { url: own.url, folder, port: await findFreePort(), mode: 'transaction' } as const;
	await using way = await startPgbouncer(pgbouncer ?? '', place);
	const words =
		'There is a pooler in transaction mode before PostgreSQL: DATABASE_URL has to be a direct connection';
	await expect(start({ DATABASE_URL: way.url })).rejects.toThrow(words);
	// Also once it has sessions at hand.
	await expect(start({ DATABASE_URL: way.url })).rejects.toThrow(words);
	await expect(connect({ DATABASE_URL: way.url, DATA_FOLDER: '' })).rejects.toThrow(words);
	await way.stop();
	await rm(folder, { recursive: true });
});
