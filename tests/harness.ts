import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { compileCache, findProgram } from './commands.ts';

export type Database = 'pglite' | 'postgres';

declare module 'vitest' {
	interface ProvidedContext {
		database: Database;
	}
}

export type Server = Awaited<ReturnType<typeof startServer>>;

const root = fileURLToPath(new URL('..', import.meta.url));
const leash = new URL('setup/leash.ts', import.meta.url).href;
const readyWithin = 240_000;
const stopWithin = 120_000;

/** A new database on the PostgreSQL of this run: empty, or `isPrepared` by all migrations. */
export async function createDatabase({ isPrepared = false } = {}): Promise<{
	url: string;
	drop: () => Promise<void>;
}> {
	const base = process.env.TEST_DATABASE_URL;
	if (!base) throw new Error('No PostgreSQL in this run: start the tests with `npm test` or with vitest.');
	const name = `${process.env.TEST_DATABASE_PREFIX ?? 'portico_'}${randomBytes(6).toString('hex')}`;
	const url = new URL(base);
	url.pathname = `/${name}`;

	const inAdministration = async (statement: string) => {
		const sql = postgres(base, { max: 1, onnotice: () => undefined });
		try {
			await sql.unsafe(statement);
		} finally {
			await sql.end();
		}
	};
	const template = isPrepared ? process.env.TEST_DATABASE_TEMPLATE : undefined;
	// The files are copied as they are, not written page by page to the log as well.
	const source = template ? `template ${template} strategy file_copy` : '';
	await inAdministration(`create database ${name} ${source}`);
	return {
		url: url.href,
		drop: () => inAdministration(`drop database if exists ${name} with (force)`)
	};
}

/**
 * Below the range that the system hands to outgoing connections, so that a restart finds its port free again. Each is
 * given out once in a run: a server that was given one may take seconds to listen there.
 */
export async function findFreePort(): Promise<number> {
	const port = randomInt(20_000, 32_000);
	const isOurs = await claim(port);
	if (!isOurs) return findFreePort();
	const probe = createServer();
	const isFree = await new Promise<boolean>((resolve) => {
		probe.once('error', () => resolve(false));
		probe.listen(port, () => probe.close(() => resolve(true)));
	});
	return isFree ? port : findFreePort();
}

/** Whether no other process of this run, which all have the folder of `TEST_PORTS_FOLDER`, has this port. */
async function claim(port: number): Promise<boolean> {
	const folder = process.env.TEST_PORTS_FOLDER;
	if (!folder) return true;
	try {
		await writeFile(join(folder, String(port)), '', { flag: 'wx' });
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		return false;
	}
}

/**
 * Portico as its users run it: a process of its own, of `src/server.ts`, in one file unless it is `isFromSource`. It ends
 * with the test process, however that one ends. `script` is another program in its place.
 */
export async function startServer(options: {
	database: Database;
	env?: Record<string, string>;
	script?: string;
	args?: string[];
	/** Begins on a copy of a database that is up to date, instead of on nothing. */
	isPrepared?: boolean;
	/** By the operator's own command, `node src/server.ts`. */
	isFromSource?: boolean;
}) {
	const { env = {}, script = 'src/server.ts', args = [], isPrepared = false, isFromSource = false } = options;
	const program = isFromSource ? script : findProgram(script);
	const ownFolder = env.DATA_FOLDER ? undefined : await mkdtemp(join(tmpdir(), 'portico-data-'));
	const isOnOwnDatabase = options.database === 'postgres' && !env.DATABASE_URL;
	const ownDatabase = isOnOwnDatabase ? await createDatabase({ isPrepared }) : undefined;
	const port = env.PORT ? Number(env.PORT) : await findFreePort();
	const origin = env.ORIGIN ?? `http://localhost:${port}`;
	const dataFolder = env.DATA_FOLDER ?? ownFolder ?? '';
	const prepared = process.env.TEST_PREPARED_FOLDER;
	if (isPrepared && ownFolder && options.database === 'pglite' && prepared) {
		await cp(join(prepared, 'database'), join(ownFolder, 'database'), { recursive: true });
	}

	const environment: Record<string, string> = {
		LOG_LEVEL: 'info',
		NODE_COMPILE_CACHE: compileCache()
	};
	// Only what a program needs to run: a DATABASE_URL or SMTP_URL of the person at the keyboard must stay outside.
	for (const name of ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot', 'TZ', 'LANG']) {
		const value = process.env[name];
		if (value !== undefined) environment[name] = value;
	}
	if (ownDatabase) environment.DATABASE_URL = ownDatabase.url;
	Object.assign(environment, { PORT: String(port), ORIGIN: origin, DATA_FOLDER: dataFolder }, env);

	let child: ChildProcess | undefined;
	let logs = '';
	let logsOfThisStart = '';
	const output = new EventEmitter();
	output.setMaxListeners(0);

	async function start() {
		logsOfThisStart = '';
		const started = spawn(process.execPath, ['--import', leash, program, ...args], {
			cwd: root,
			env: environment,
			stdio: ['pipe', 'pipe', 'pipe']
		});
		child = started;
		for (const stream of [started.stdout, started.stderr]) {
			stream.setEncoding('utf8').on('data', (text: string) => {
				logs += text;
				logsOfThisStart += text;
				output.emit('text');
			});
		}
		started.once('close', () => output.emit('text'));
		await waitForLog(/Portico is ready at http/, readyWithin);
		// What it prints together with that line, the set-up link, is here by the time that it answers.
		const answer = await fetch(`http://localhost:${port}/healthz`, { headers: { connection: 'close' } });
		await answer.body?.cancel();
	}

	function isRunning() {
		return child !== undefined && child.exitCode === null && child.signalCode === null;
	}

	/** Resolves when what the server has written since it was last started fits; fails when it ends before. */
	async function waitForLog(pattern: RegExp, timeoutMs = 240_000): Promise<RegExpExecArray> {
		const timeout = AbortSignal.timeout(timeoutMs);
		for (;;) {
			const found = pattern.exec(logsOfThisStart);
			if (found) return found;
			if (!isRunning() && child?.stdout?.closed !== false) {
				const how = child?.signalCode ?? `code ${child?.exitCode}`;
				throw new Error(`The server ended (${how}) before it wrote ${pattern}:\n${logsOfThisStart}`);
			}
			try {
				await once(output, 'text', { signal: timeout });
			} catch {
				await kill();
				throw new Error(`The server did not write ${pattern} in ${timeoutMs} ms:\n${logsOfThisStart}`);
			}
		}
	}

	async function end(signal: NodeJS.Signals) {
		if (!child) return null;
		const ending = child;
		const closed = ending.stdout?.closed ? undefined : once(ending, 'close');
		if (isRunning()) ending.kill(signal);
		const timer = setTimeout(() => ending.kill('SIGKILL'), stopWithin);
		await closed;
		clearTimeout(timer);
		return ending;
	}

	/** SIGTERM, as an operator would; the exit code, or an error when it had to be forced. */
	async function stop(): Promise<number | null> {
		const wasRunning = isRunning();
		const ended = await end('SIGTERM');
		if (wasRunning && ended?.signalCode === 'SIGKILL') {
			throw new Error(`The server did not stop in ${stopWithin} ms after SIGTERM:\n${logsOfThisStart}`);
		}
		return ended?.exitCode ?? null;
	}

	/** SIGKILL: as if the power had gone. */
	async function kill() {
		await end('SIGKILL');
	}

	/** Stops it when it still runs and starts it again on the same port, folder and database. */
	async function restart() {
		await stop();
		await start();
	}

	/** Stops it and removes what `startServer` made for it. */
	async function dispose() {
		await stop();
		await ownDatabase?.drop();
		if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
	}

	const server = {
		origin,
		port,
		dataFolder,
		databaseUrl: environment.DATABASE_URL ?? null,
		/** Everything that it has written, over all its starts. */
		get logs() {
			return logs;
		},
		/** The link that makes the first portal admin, while there is none. */
		get setupUrl() {
			return /http\S+\/setup\/\S+/.exec(logsOfThisStart)?.[0] ?? null;
		},
		get isRunning() {
			return isRunning();
		},
		get pid() {
			return child?.pid ?? 0;
		},
		waitForLog,
		stop,
		kill,
		restart,
		dispose,
		[Symbol.asyncDispose]: dispose
	};
	try {
		await start();
	} catch (error) {
		await kill();
		await dispose();
		throw error;
	}
	return server;
}
