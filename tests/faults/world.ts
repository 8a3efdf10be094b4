import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { connect as connectDatabase } from '../../src/database/database.ts';
import { findFreePort, startServer, type Server } from '../harness.ts';
import { insertCompanies, insertWatchers, type Watcher } from '../load/live/people.ts';
import { startNginx } from '../programs.ts';
import { startPostgres } from '../setup/postgres.ts';
import { openPage, type Page, type Told } from './page.ts';
import { startWriter } from './writer.ts';

/** What the faults happen to: two portals on a PostgreSQL of their own, writers, and pages that must miss nothing. */

const metricsToken = 'a-token-for-the-figures-of-the-soak-0123';

export type World = Awaited<ReturnType<typeof startWorld>>;

/** The lines of docs/operating/nginx.conf as they stand, but for who is where on this machine. */
async function startFront(program: string, port: number, ports: readonly number[]) {
	const folder = await mkdtemp(join(tmpdir(), 'portico-front-'));
	// Its workers may be somebody else.
	await chmod(folder, 0o755);
	let lines = await readFile(new URL('../../docs/operating/nginx.conf', import.meta.url), 'utf8');
	for (const [from, to] of [
		['portal-1:3000', `127.0.0.1:${ports[0]}`],
		['portal-2:3000', `127.0.0.1:${ports[1]}`],
		['listen 80;', `listen 127.0.0.1:${port};`]
	] as const) {
		if (!lines.includes(from)) throw new Error(`The configuration of nginx no longer has “${from}”.`);
		lines = lines.replace(from, to);
	}
	const child: ChildProcess = await startNginx(program, folder, lines);
	let output = '';
	for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
	for (;;) {
		if (child.exitCode !== null) throw new Error(`nginx ended:\n${output}`);
		const isThere = await fetch(`http://127.0.0.1:${port}/healthz`).then(
			({ ok }) => ok,
			() => false
		);
		if (isThere) break;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return async () => {
		const ended = once(child, 'exit');
		child.kill('SIGTERM');
		await ended;
		await rm(folder, { recursive: true, force: true });
	};
}

export async function startWorld({
	companies,
	pages,
	nginx
}: {
	companies: number;
	/** In each of them. */
	pages: number;
	/** The program, to have it in front of both portals; without it pages and writers know where both are. */
	nginx: string | null;
}) {
	const postgres = await startPostgres({ isDurable: true });
	const folder = await mkdtemp(join(tmpdir(), 'portico-faults-'));
	const front = await findFreePort();
	const origin = `http://localhost:${front}`;
	const env = {
		DATABASE_URL: postgres.url,
		DATA_FOLDER: folder,
		ORIGIN: origin,
		SMTP_URL: '',
		LOG_LEVEL: 'info',
		TRUSTED_PROXIES: '1',
		METRICS_TOKEN: metricsToken
	};
	// The second one finds the tables and keys that the first one has made.
	const portals: [Server, Server] = [
		await startServer({ database: 'postgres', env }),
		await startServer({ database: 'postgres', env })
	];
	const own = portals.map(({ port }) => port);
	const stopFront = nginx ? await startFront(nginx, front, own) : null;
	const ports = nginx ? [front] : own;

	const database = await connectDatabase({ DATABASE_URL: postgres.url, DATA_FOLDER: '' });
	const { db } = database;
	await sql`update portal set changes_per_person = 100000, changes_per_organization = 100000, max_applications = 10000`.execute(
		db
	);
	const organizationIds = await insertCompanies(db, 'company', companies);
	const places = organizationIds.flatMap((id) => Array.from({ length: pages + 1 }, () => id));
	const people = await insertWatchers(db, 'person', places);
	const headersOf = ({ cookie }: Watcher, n: number) => ({
		cookie,
		origin,
		'x-forwarded-for': `10.0.0.${n}`
	});
	const slugOf = (id: string) => `company-${organizationIds.indexOf(id) + 1}`;
	const open: Page[] = [];
	const writing: { organizationId: string; headers: Record<string, string> }[] = [];
	for (const [n, person] of people.entries()) {
		const { organizationId } = person;
		const headers = headersOf(person, n);
		if (n % (pages + 1) === 0) writing.push({ organizationId, headers });
		else
			open.push(
				openPage({
					organizationId,
					slug: slugOf(organizationId),
					headers,
					// Half of them are at the one portal and half at the other.
					ports: n % 2 ? ports : ports.toReversed()
				})
			);
	}
	const writer = startWriter(writing, ports);

	/** By a connection of its own each time, since the database comes and goes. */
	async function inDatabase<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
		const client = new pg.Client({ connectionString: postgres.url });
		await client.connect();
		try {
			return (await client.query<Row>(text, values)).rows;
		} finally {
			await client.end();
		}
	}

	const readFigures = async ({ port }: Server) => {
		const headers = { authorization: `Bearer ${metricsToken}` };
		return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text();
	};

	return {
		postgres,
		portals,
		isBehindNginx: nginx !== null,
		pages: open,
		writer,
		db,
		origin,
		organizationIds,
		inDatabase,
		/** What was committed in an organization, in order. */
		async listCommitted(organizationId: string): Promise<Told[]> {
			const rows = await inDatabase<Told & { seq: string }>(
				'select seq, name, payload from event where organization_id = $1 order by seq',
				[organizationId]
			);
			return rows.map(({ seq, name, payload }) => ({ seq: Number(seq), name, payload }));
		},
		/** A figure of a portal. */
		async readFigure(portal: Server, name: string): Promise<number> {
			return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await readFigures(portal))?.[1]);
		},
		/** Whether somebody has made a call at this portal since it was started. */
		async isAskedAgain(portal: Server): Promise<boolean> {
			return (await readFigures(portal)).includes('portico_calls_total{');
		},
		async stop() {
			await writer.stop();
			for (const page of open) page.leave();
			await database.close();
			await stopFront?.();
			await Promise.all(portals.map((portal) => portal.stop()));
			await postgres.stop();
			await rm(folder, { recursive: true, force: true });
		}
	};
}
