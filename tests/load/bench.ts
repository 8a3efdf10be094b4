import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql, type RawBuilder } from 'kysely';
import { openDatabase, type Db } from '../../src/database/database.ts';
import type { AppRouter } from '../../src/router.ts';
import { createDatabase, startServer, type Database, type Server } from '../harness.ts';
import { startPostgres } from '../setup/postgres.ts';
import { watchMemory } from './memory.ts';
import { seedEvents, seedOrganizations } from './seed.ts';

/**
 * `npm run bench`: what the portal admins' pages cost with 10,000 organizations and 100,000 events, through HTTP as a
 * page asks, beside the bare SQL of the same rows in the same run. On PostgreSQL and on the embedded database.
 */

const organizations = 10_000;
const events = 100_000;
const runs = 15;
const pageLength = 50;
/** For the JavaScript heap of the server that exports; a hundred thousand entries are more than that as objects. */
const smallHeapMb = 96;
const admin = { email: 'admin@example.test', password: 'a password for measuring' };

const run = promisify(execFile);
const format = (ms: number) => ms.toFixed(ms < 100 ? 1 : 0).padStart(7);
const summary = (times: number[]) => {
	const sorted = times.toSorted((a, b) => a - b);
	return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
		.map((ms = 0) => format(ms))
		.join(' ');
};

async function measure(work: () => Promise<unknown>): Promise<string> {
	for (let warm = 0; warm < 3; warm++) await work();
	const times: number[] = [];
	for (let time = 0; time < runs; time++) {
		const began = performance.now();
		await work();
		times.push(performance.now() - began);
	}
	return summary(times);
}

function printRow(name: string, floor: string, measured: string, plan = '') {
	console.log(`${name.padEnd(46)} ${floor.padEnd(24)}  ${measured.padEnd(24)}  ${plan}`);
}
function printHead(title: string) {
	console.log(`\n${title}`);
	printRow('milliseconds: min, median, max', '  bare SQL', '  through HTTP', 'how the rows are found');
}

/** Signs in as a page does and returns what asks with the cookie. */
async function signIn(server: Server) {
	const headers = { origin: server.origin, 'content-type': 'application/json' };
	const body = JSON.stringify(admin);
	const answer = await fetch(`${server.origin}/trpc/sessions.create`, { method: 'POST', headers, body });
	if (!answer.ok) throw new Error(`The sign-in was refused: ${answer.status}`);
	const cookie = answer.headers
		.getSetCookie()
		.map((line) => line.split(';')[0])
		.join('; ');
	const request = (path: string, init: RequestInit = {}) =>
		fetch(new URL(path, server.origin), { ...init, headers: { cookie, origin: server.origin } });
	const ask = (url: URL | RequestInfo, init?: unknown) => request(String(url), init as RequestInit);
	return {
		request,
		api: createTRPCClient<AppRouter>({ links: [httpLink({ url: `${server.origin}/trpc`, fetch: ask })] })
	};
}
type Client = Awaited<ReturnType<typeof signIn>>;

interface Measure {
	name: string;
	floor: RawBuilder<unknown>;
	work: (client: Client) => Promise<unknown>;
}

/** The rows of the admins' list, as one would write them by hand. */
const listed = (where: RawBuilder<unknown>) => sql`
	select organization.*, requester.email, requester.first_name, requester.last_name,
		(select count(*) from membership where organization_id = organization.id),
		(select count(*) from application where organization_id = organization.id)
	from organization left join account requester on requester.id = organization.requested_by
	where not is_personal and ${where}
	order by requested_at desc, organization.id desc limit ${sql.lit(pageLength + 1)}`;
const told = (where: RawBuilder<unknown>) => sql`
	select id, organization_id, portal_seq, name, actor, payload, at from event
	where ${where}
	order by at desc, id desc limit ${sql.lit(pageLength + 1)}`;

async function one<Row>(db: Db, query: RawBuilder<Row>): Promise<Row> {
	const { rows } = await query.execute(db);
	if (!rows[0]) throw new Error('The seed is not there.');
	return rows[0];
}

/** What is measured, with the ids and places that the seed has given. */
async function planMeasures(db: Db): Promise<Measure[]> {
	const far = sql.lit(99 * pageLength - 1);
	const after = await one(
		db,
		sql<{ value: string; id: string }>`select requested_at::text as value, id from organization
			where not is_personal and status <> 'withdrawn' order by requested_at desc, id desc offset ${far} limit 1`
	);
	const last = await one(
		db,
		sql<{
			at: number;
			id: number;
		}>`select (extract(epoch from at) * 1000000)::bigint as at, id
			from event order by at desc, id desc offset ${far} limit 1`
	);
	const who = await one(
		db,
		sql<{ organizationId: string; personId: string }>`select id as organization_id, requested_by as person_id
			from organization where slug = 'company-1'`
	);
	const range = await one(
		db,
		sql<{
			from: Date;
			to: Date;
		}>`select now() - interval '340 days' as from, now() - interval '330 days' as to`
	);
	const kind = 'member' as const;
	const [from, to] = [range.from.toISOString(), range.to.toISOString()];
	const { organizationId, personId } = who;
	const is = {
		organizationId: sql`organization_id = ${organizationId}`,
		personId: sql`actor->>'id' = ${personId}`,
		kind: sql`split_part(name, '.', 1) = ${kind}`,
		time: sql`at >= ${range.from} and at < ${range.to}`
	};
	const activity = (name: string, floor: RawBuilder<unknown>, filter: object): Measure => ({
		name: `activity, ${name}`,
		floor: told(floor),
		work: ({ api }) => api.activity.listPortal.query(filter)
	});
	const both = (a: RawBuilder<unknown>, b: RawBuilder<unknown>) => sql`${a} and ${b}`;
	const searched = (text: string) =>
		sql`organization.status <> 'withdrawn' and (organization.name ilike ${`%${text}%`} or requester.email ilike ${`%${text}%`}
			or requester.first_name || ' ' || requester.last_name ilike ${`%${text}%`})`;
	return [
		{
			name: 'organizations, first page',
			floor: listed(sql`organization.status <> 'withdrawn'`),
			work: ({ api }) => api.organizations.list.query({})
		},
		{
			name: 'organizations, 100th page',
			floor: listed(
				sql`organization.status <> 'withdrawn' and (requested_at, organization.id) < (${after.value}::timestamptz, ${after.id}::uuid)`
			),
			work: ({ api }) => api.organizations.listMore.query({ after })
		},
		{
			name: 'organizations, status “pending”',
			floor: listed(sql`organization.status = 'pending'`),
			work: ({ api }) => api.organizations.list.query({ status: 'pending' })
		},
		...['Company 9999', 'nobody is called so'].map((search) => ({
			name: `organizations, search “${search}”`,
			floor: listed(searched(search)),
			work: ({ api }: Client) => api.organizations.list.query({ search })
		})),
		activity('first page', sql`true`, {}),
		activity(
			'100th page',
			sql`(at, id) < (timestamptz 'epoch' + ${last.at}::double precision * interval '1 microsecond', ${last.id}::bigint)`,
			{ after: last }
		),
		activity('organization', is.organizationId, { organizationId }),
		activity('person', is.personId, { personId }),
		activity('kind', is.kind, { kind }),
		activity('kind that nothing has', sql`split_part(name, '.', 1) = 'settings'`, { kind: 'settings' }),
		activity('ten days, eleven months ago', is.time, { from, to }),
		activity('organization, person', both(is.organizationId, is.personId), { organizationId, personId }),
		activity('organization, kind', both(is.organizationId, is.kind), { organizationId, kind }),
		activity('person, kind', both(is.personId, is.kind), { personId, kind }),
		activity('person, ten days', both(is.personId, is.time), { personId, from, to }),
		activity(
			'organization, person, kind, ten days',
			both(both(is.organizationId, is.personId), both(is.kind, is.time)),
			{
				organizationId,
				personId,
				kind,
				from,
				to
			}
		)
	];
}

/** The indexes by which the database finds the rows of the largest table, or that it reads it whole. */
async function explain(db: Db, query: RawBuilder<unknown>): Promise<string> {
	const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(db);
	const plan = rows.map((row) => Object.values(row).join()).join('\n');
	const found = [
		...plan.matchAll(
			/using (\w+) on (?:event|organization)|Index Scan on (\w+)|(Seq Scan on (?:event|organization))/g
		)
	];
	return [...new Set(found.map(([, index, bitmap, whole]) => index ?? bitmap ?? whole))].join(', ');
}

/** The same rows by a cursor, and nothing made of them. */
async function readByCursor(db: Db): Promise<number> {
	return db.transaction().execute(async (trx) => {
		await sql`declare bare cursor for
			select id, organization_id, portal_seq, name, actor, payload, at from event
			order by at desc, id desc`.execute(trx);
		for (let count = 0; ;) {
			const { rows } = await sql`fetch 500 from bare`.execute(trx);
			if (rows.length === 0) return count;
			count += rows.length;
		}
	});
}

async function countLines(answer: Response): Promise<number> {
	if (!answer.ok || !answer.body) throw new Error(`The export was refused: ${answer.status}`);
	let lines = 0;
	for await (const chunk of answer.body) for (const byte of chunk) if (byte === 10) lines += 1;
	return lines;
}

async function measureExports(title: string, server: Server, { request }: Client, bare: number) {
	const rate = (rows: number, seconds: number) =>
		`${Math.round(rows / seconds)
			.toLocaleString('en')
			.padStart(9)} rows/s`;
	console.log(`\n${title.padEnd(44)} ${''.padEnd(17)} server’s memory before, at most`);
	const line = (name: string, rest: string) => console.log(`${name.padEnd(44)} ${rest}`);
	line('bare cursor, nothing made of the rows', rate(events, bare));
	const recently = new Date(Date.now() - 36.5 * 86_400_000).toISOString().slice(0, 10);
	for (const [name, path] of [
		['CSV, a tenth of the rows', `/api/activity.csv?from=${recently}`],
		['CSV, all rows', '/api/activity.csv'],
		['JSON, all rows', '/api/activity.jsonl'],
		['CSV, all rows again', '/api/activity.csv']
	] as const) {
		const { result, seconds, before, peak } = await watchMemory(server.pid, async () =>
			countLines(await request(path))
		);
		line(
			name,
			`${rate(result, seconds)}  ${format(before)} ${format(peak)} MB  (${result.toLocaleString('en')} lines)`
		);
	}
	const { before, peak } = await watchMemory(server.pid, async () => {
		const leaving = new AbortController();
		const answer = await request('/api/activity.csv', { signal: leaving.signal });
		await answer.body?.getReader().read();
		await new Promise((resolve) => setTimeout(resolve, 2000));
		leaving.abort();
	});
	line(
		'a reader that takes no more after a moment',
		`${''.padEnd(16)}  ${format(before)} ${format(peak)} MB`
	);
	const ready = await request('/readyz');
	if (!ready.ok) throw new Error('The server is not well after a reader has gone.');
}

async function bench(database: Database): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), 'portico-bench-'));
	const own = database === 'postgres' ? await createDatabase() : null;
	const env = { DATA_FOLDER: folder, ...(own && { DATABASE_URL: own.url }) };
	try {
		let began = performance.now();
		const opened = await openDatabase(env);
		await seedOrganizations(opened.db, organizations);
		await seedEvents(opened.db, events, organizations);
		// As autovacuum does by itself; the embedded database has none and goes without.
		if (own) await sql`vacuum analyze`.execute(opened.db);
		const seeded = ((performance.now() - began) / 1000).toFixed(1);
		printHead(
			`${own ? 'PostgreSQL' : 'PGlite'}: ${organizations.toLocaleString('en')} organizations, ${events.toLocaleString('en')} events (made in ${seeded} s)`
		);
		const measures = await planMeasures(opened.db);
		const floors: string[] = [];
		const plans: string[] = [];
		for (const { floor } of measures) {
			floors.push(await measure(() => floor.execute(opened.db)));
			plans.push(await explain(opened.db, floor));
		}
		began = performance.now();
		await readByCursor(opened.db);
		const bare = (performance.now() - began) / 1000;
		await opened.close();

		began = performance.now();
		const verified = await run(process.execPath, ['src/news/verify.ts'], {
			env: { PATH: process.env.PATH, ...env }
		});
		const verifying = ((performance.now() - began) / 1000).toFixed(1);

		const start = (heapMb: number | null) =>
			startServer({
				database,
				env: {
					...env,
					...(heapMb && { NODE_OPTIONS: `--max-old-space-size=${heapMb}` }),
					PORTAL_ADMIN_EMAIL: admin.email,
					PORTAL_ADMIN_PASSWORD: admin.password,
					LOG_LEVEL: 'warn'
				}
			});
		{
			await using server = await start(null);
			const client = await signIn(server);
			for (const [index, { name, work }] of measures.entries()) {
				printRow(name, floors[index] ?? '', await measure(() => work(client)), plans[index]);
			}
			await measureExports('export', server, client, bare);
		}
		// Once more with a heap that is held short: one that may grow does so before anything is collected.
		await using server = await start(smallHeapMb);
		const title = `export, with a heap of at most ${smallHeapMb} MB`;
		await measureExports(title, server, await signIn(server), bare);
		console.log(`\nverify-activity in ${verifying} s: ${verified.stdout.trim()}`);
	} finally {
		await own?.drop();
		await rm(folder, { recursive: true, force: true });
	}
}

const began = performance.now();
const given = process.env.TEST_DATABASE_URL;
const postgres = given ? null : await startPostgres();
if (postgres) process.env.TEST_DATABASE_URL = postgres.url;
try {
	await bench('postgres');
	await bench('pglite');
} finally {
	await postgres?.stop();
}
console.log(`\nAll in all ${((performance.now() - began) / 1000).toFixed(0)} s.`);
