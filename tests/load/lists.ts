import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql } from 'kysely';
import { connect, openDatabase, type Db } from '../../src/database/database.ts';
import type { AppRouter } from '../../src/router.ts';
import { createDatabase, startServer, type Database, type Server } from '../harness.ts';
import { planAdminLists } from './admin-lists.ts';
import { exportEvents, readByCursor } from './exports.ts';
import type { Measure, Visitors } from './listing.ts';
import { openLine } from './line.ts';
import { processorTimeOf } from './memory.ts';
import { middleOf } from './probes.ts';
import type { Row } from './rows.ts';
import { readDatabases, rounds, runParts, withPostgres } from './run.ts';
import { seedLists, sizes, slugs } from './seed-lists.ts';
import { planTeamLists } from './team-lists.ts';
import { findScans } from './scans.ts';

/**
 * `npm run bench:lists [DATABASE …] [FILE]`: what every list costs that grows, with 10,000 organizations, 142,000 memberships,
 * 100,000 events and 100,000 e-mails, through HTTP as a page asks, beside the bare SQL of the same rows; the pages of an
 * organization of 1,000 members; and the export. On PostgreSQL and on the embedded database. Lists of API products and of
 * access are in products.ts.
 */
const databases: Database[] = ['postgres', 'pglite'];
const names = { postgres: 'PostgreSQL', pglite: 'the embedded database' };
/** How often a list is asked for. */
const runs = 3 * rounds;
/** For the JavaScript heap of the server that exports; all entries are more than that as objects. */
const smallHeapMb = 128;

const run = promisify(execFile);

type Work = () => Promise<unknown>;

/** In turns, in milliseconds: the median of each. */
async function measure(...works: Work[]): Promise<number[]> {
	const times: number[][] = works.map(() => []);
	for (let time = -3; time < runs; time++) {
		for (const [index, work] of works.entries()) {
			const began = performance.now();
			await work();
			// The first ones only warm up.
			if (time >= 0) times[index]?.push(performance.now() - began);
		}
	}
	return times.map(middleOf);
}

const apiOf = ({ origin }: Server, cookie: string) =>
	createTRPCClient<AppRouter>({
		links: [httpLink({ url: `${origin}/trpc`, headers: { origin, cookie } })]
	});

/** A page as a browser asks for it: what travels, and what it costs the server. */
async function* weighPage(server: Server, cookie: string, path: string, part: string): AsyncGenerator<Row> {
	const { host } = new URL(server.origin);
	const line = openLine(server.port);
	const ask = (encoding: string) =>
		line.ask({ method: 'GET', path, headers: { host, cookie, 'accept-encoding': encoding } });
	const plain = await ask('identity');
	const name = `${path.replace(slugs.large, '…')} of ${sizes.members.toLocaleString('en')} members`;
	yield { part, name: `${name}, HTML`, unit: 'kB', portico: plain / 1000 };
	yield { part, name: '… after gzip', unit: 'kB', portico: (await ask('gzip')) / 1000 };
	const times = 20 * rounds;
	const before = processorTimeOf(server.pid);
	for (let time = 0; time < times; time++) await ask('gzip');
	const portico = (processorTimeOf(server.pid) - before) / times;
	line.end();
	yield { part, name: '… processor time of the portal', unit: 'ms', portico };
}

/** What a server is measured with: its own data, and floors where they can be asked at the same time. */
interface Scene {
	part: string;
	cookies: { admin: string; member: string };
	measures: Measure[];
	/** Null where another process has the database for itself. */
	db: Db | null;
	/** By the place of the measure, where they were measured before. */
	floors: number[];
}

async function* measureServer(server: Server, { part, cookies, measures, db, floors }: Scene) {
	const visitors: Visitors = { admin: apiOf(server, cookies.admin), member: apiOf(server, cookies.member) };
	for (const [index, { name, floor, work }] of measures.entries()) {
		const asked = () => work(visitors);
		const [portico = NaN, beside = floors[index]] = await measure(
			asked,
			...(db ? [() => floor.execute(db)] : [])
		);
		const scans = db ? await findScans(db, asked, 1000) : '';
		yield {
			...{ part, name, unit: 'ms' as const, portico },
			...(beside !== undefined && { floor: beside }),
			...(scans && { note: `scans ${scans}` })
		};
	}
	for (const path of [`/orgs/${slugs.large}`, `/orgs/${slugs.large}/users`])
		yield* weighPage(server, cookies.member, path, part);
}

async function* measureDatabase(database: Database): AsyncGenerator<Row> {
	const part = `lists, ${names[database]}`;
	await using ending = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), 'portico-bench-'));
	ending.defer(() => rm(folder, { recursive: true, force: true }));
	const own = database === 'postgres' ? await createDatabase() : null;
	if (own) ending.defer(own.drop);
	const env = { DATA_FOLDER: folder, ...(own && { DATABASE_URL: own.url }) };
	let began = performance.now();
	const seconds = () => (performance.now() - began) / 1000;

	// Made as a portal makes it; and then without the limits of time that a portal has.
	await (await openDatabase(env)).close();
	const opened = await connect(env);
	await using closing = new AsyncDisposableStack();
	closing.defer(() => opened.close());
	const { db } = opened;
	const cookies = await seedLists(db);
	// As autovacuum does by itself; the embedded database has none and goes without.
	if (own) await sql`vacuum analyze`.execute(db);
	yield { part, name: 'making what is listed', unit: 's', portico: seconds() };
	const measures = [...(await planAdminLists(db)), ...(await planTeamLists(db))];
	const floors: number[] = [];
	if (!own) for (const { floor } of measures) floors.push(...(await measure(() => floor.execute(db))));
	began = performance.now();
	const bare = (await readByCursor(db)) / seconds();
	// The embedded database lets one process in, so that its floors come first; those of PostgreSQL come in turns.
	if (!own) await closing.disposeAsync();

	began = performance.now();
	await run(process.execPath, ['src/programs/verify.ts'], { env: { PATH: process.env.PATH, ...env } });
	yield { part, name: 'verify-activity', unit: 's', portico: seconds() };

	const start = (heapMb?: number) => {
		const short = heapMb && { NODE_OPTIONS: `--max-old-space-size=${heapMb}` };
		return startServer({ database, env: { ...env, ...short, LOG_LEVEL: 'warn' } });
	};
	{
		await using server = await start();
		yield* measureServer(server, { part, cookies, measures, db: own && db, floors });
		yield* exportEvents(server, cookies.admin, { part, bare });
	}
	// Once more with a heap that is held short: one that may grow does so before anything is collected.
	await using server = await start(smallHeapMb);
	const held = `${part}, a heap of at most ${smallHeapMb} MB`;
	yield* exportEvents(server, cookies.admin, { part: held, bare, isShort: true });
}

export async function* measureLists(wanted = databases): AsyncGenerator<Row> {
	const failed: unknown[] = [];
	// Where one can't be had, the other is measured all the same.
	for (const database of wanted) {
		try {
			yield* measureDatabase(database);
		} catch (error) {
			failed.push(error);
		}
	}
	if (failed.length > 0) throw failed[0];
}

if (import.meta.main) {
	const { file, named } = readDatabases(process.argv.slice(2), databases);
	const run = () => runParts({ lists: () => measureLists(named) }, file);
	await (named.includes('postgres') ? withPostgres(run) : run());
}
