import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { prepare } from './prepare.ts';

const script = fileURLToPath(new URL('postgres-process.ts', import.meta.url));
const needsPostgres = ['postgres', 'browser'];

/**
 * One server for everybody below this process; it ends with `stop` or with this process. `isDurable` makes it wait for
 * the disk, as one in earnest does; `isForTests` has it find statements that can't be planned for any value.
 */
export async function startPostgres({ isDurable = false, isForTests = false } = {}) {
	const args = [...(isDurable ? ['durable'] : []), ...(isForTests ? ['tests'] : [])];
	// In a process group of its own, so that Ctrl-C reaches the tests first.
	const child = spawn(process.execPath, [script, ...args], {
		detached: true,
		stdio: ['pipe', 'pipe', 'pipe']
	});
	const ended = once(child, 'exit');
	let complaint = '';
	child.stderr.on('data', (chunk) => (complaint += chunk));
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const { value: url } = await lines.next();
	if (url === undefined) {
		await ended;
		throw new Error(`No PostgreSQL for the tests. Set TEST_DATABASE_URL to use one of yours.\n${complaint}`);
	}
	return {
		url,
		/** Stops the server and starts it again; every connection is lost. */
		async restart() {
			child.stdin.write('restart\n');
			await lines.next();
		},
		async stop() {
			child.stdin.end();
			await ended;
		}
	};
}

/** On a server that outlives the run, the databases of this run must not. */
export async function dropDatabases(url: string, prefix: string) {
	const sql = postgres(url, { max: 1, onnotice: () => undefined });
	try {
		const left = await sql`select datname from pg_database where starts_with(datname, ${prefix})`;
		for (const { datname } of left) await sql`drop database if exists ${sql(datname)} with (force)`;
	} finally {
		await sql.end();
	}
}

/** Vitest's global setup. The workers inherit the variables; `createDatabase` in harness.ts reads them. */
export default async function setup({ vitest }: TestProject) {
	if (!vitest.projects.some((project) => needsPostgres.includes(project.name))) return undefined;
	const prefix = `portico_${randomBytes(4).toString('hex')}_`;
	process.env.TEST_DATABASE_PREFIX = prefix;

	const given = process.env.TEST_DATABASE_URL;
	if (given) {
		await prepareTemplate(given, prefix);
		return () => dropDatabases(given, prefix);
	}
	const { url, stop } = await startPostgres({ isForTests: true });
	process.env.TEST_DATABASE_URL = url;
	try {
		await prepareTemplate(url, prefix);
	} catch (error) {
		await stop();
		throw error;
	}
	return stop;
}

/** One database is brought up to date; the portals of the tests get copies of it. */
async function prepareTemplate(url: string, prefix: string): Promise<void> {
	const name = `${prefix}template`;
	const sql = postgres(url, { max: 1, onnotice: () => undefined });
	try {
		await sql.unsafe(`create database ${name}`);
	} finally {
		await sql.end();
	}
	const template = new URL(url);
	template.pathname = `/${name}`;
	await prepare({ DATABASE_URL: template.href, DATA_FOLDER: '' });
	process.env.TEST_DATABASE_TEMPLATE = name;
}
