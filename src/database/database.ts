import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import {
	CamelCasePlugin,
	Kysely,
	NoResultError,
	PGliteDialect,
	PostgresDialect,
	sql,
	type Dialect,
	type Transaction
} from 'kysely';
import { FileMigrationProvider, Migrator } from 'kysely/migration';
import postgres from 'postgres';
import type { Env } from '../env.ts';
import { setSendingAhead } from './ahead.ts';
import { createAnnouncer, notify, setAnnouncer } from './announcing.ts';
import { openEmbedded } from './embedded.ts';
import { gaugePoolInUse, gaugePoolWaiting } from '../metrics.ts';
import { createPool } from './pool.ts';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;
export type Trx = Transaction<Tables>;

/** PostgreSQL or the embedded PGlite behind one type. */
export interface Database {
	db: Db;
	/** For what open pages are told: of PostgreSQL two connections of its own, so that news never wait behind calls. */
	live: Db;
	/** The embedded database, or the address of the PostgreSQL server. */
	source: { pglite: PGlite } | { url: string };
	/**
	 * Calls `onMessage` with every notification of the channel. `onListening` is called each time that listening
	 * begins: again after a lost connection, when notifications may have been missed.
	 */
	listen(channel: string, onMessage: (text: string) => void, onListening: () => void): Promise<void>;
	/** Answers when the database does, whatever the calls under way wait for. @throws when it doesn't within 2 s. */
	ping(): Promise<void>;
	close(): Promise<void>;
}

/** The name of the unique index that a statement would have broken, or null for any other error. */
export function brokenIndex(error: unknown): string | null {
	if (!(error instanceof Error && 'code' in error && error.code === '23505')) return null;
	return (error as { constraint?: string }).constraint ?? null;
}

/** Whether the database refused a value that no column of this type takes (SQLSTATE class 22), of whichever driver. */
export function isUnfitData(error: unknown): error is Error & { code: string } {
	return error instanceof Error && 'code' in error && /^22[\dA-Z]{3}$/.test(String(error.code));
}

/** A row that was there a moment ago isn't any more: it was asked for in vain, or is pointed at by a key (23503). */
export const isGone = (error: unknown) =>
	error instanceof NoResultError || (error instanceof Error && 'code' in error && error.code === '23503');

/** Dates travel as ISO 8601 in UTC. */
export function isoOf(date: Date): string;
export function isoOf(date: Date | null): string | null;
export function isoOf(date: Date | null): string | null {
	return date && date.toISOString();
}

function kysely(dialect: Dialect): Db {
	return new Kysely<Tables>({
		dialect,
		// jsonb columns hold events as pages read them: their keys stay as they are.
		plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })]
	});
}

/**
 * Opens the database that the environment names, as it is, for programs that may take as long as they need.
 * @throws {Error} when another process has the embedded database open, or no session of PostgreSQL is to be had.
 */
export async function connect(env: Pick<Env, 'DATABASE_URL' | 'DATA_FOLDER'>): Promise<Database> {
	if (!env.DATABASE_URL) return openPglite(env.DATA_FOLDER);
	return checked(openPostgres(env.DATABASE_URL, 'patient'), async ({ db }) => {
		await expectServer(db);
		await expectSessions(db);
	});
}

/**
 * Opens the database that the environment names and brings its tables up to date.
 * @throws {Error} as `connect`, and when a migration fails.
 */
export async function openDatabase(env: Pick<Env, 'DATABASE_URL' | 'DATA_FOLDER'>): Promise<Database> {
	const database = await connect(env);
	if (!env.DATABASE_URL) return checked(database, ({ db }) => migrate(db));
	// A migration takes what it takes; what calls may take is bounded.
	const whole = await checked(database, async ({ db }) => {
		await expectWhole(db);
		await migrate(db);
	});
	await whole.close();
	return openPostgres(env.DATABASE_URL, 'bounded');
}

/** Marks a PostgreSQL into which an embedded database is being moved, until all of it is there. */
export const movingSchema = 'portico_move';

/** Closes the database again where it isn't fit for use. */
async function checked(database: Database, check: (database: Database) => Promise<void>): Promise<Database> {
	try {
		await check(database);
		return database;
	} catch (error) {
		await database.close();
		throw error;
	}
}

/** @throws {Error} where a move into this database has not come to its end. */
async function expectWhole(db: Db): Promise<void> {
	const { rows } = await sql`select from pg_namespace where nspname = ${movingSchema}`.execute(db);
	if (rows.length === 0) return;
	throw new Error(
		'A portal is being moved into this database. Run “npm run move-to-postgres” to its end first.'
	);
}

/** @throws {Error} where nobody answers under that address. */
async function expectServer(db: Db): Promise<void> {
	try {
		await sql`select 1`.execute(db);
	} catch (error) {
		// What the system says, of each address where a name has several. What a server answers speaks for itself.
		if (!(error instanceof Error && 'syscall' in error) && !(error instanceof AggregateError)) throw error;
		const all = error instanceof AggregateError ? (error.errors as Error[]) : [error];
		const reasons = all.map(({ message }) => message).join(', ');
		throw new Error(`The PostgreSQL of DATABASE_URL can’t be reached: ${reasons}`, { cause: error });
	}
}

/**
 * A pooler that gives each transaction another session forgets LISTEN, settings and prepared statements: some calls would
 * fail, and no page would be live. It shows in which sessions two connections are, asked by turns.
 * @throws {Error} where a connection isn't a session of its own.
 */
async function expectSessions(db: Db): Promise<void> {
	const ask = async (on: Db) => {
		const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(on);
		return rows[0]?.pid ?? 0;
	};
	const isSound = await db.connection().execute((first) =>
		db.connection().execute(async (second) => {
			const before = [await ask(first), await ask(second)];
			const after = [await ask(first), await ask(second)];
			return before[0] === after[0] && before[1] === after[1] && before[0] !== before[1];
		})
	);
	if (isSound) return;
	throw new Error(
		'There is a pooler in transaction mode before PostgreSQL: DATABASE_URL has to be a direct connection, or one through a pooler in session mode.'
	);
}

function openPostgres(url: string, limits: 'bounded' | 'patient'): Database {
	const pool = createPool(url, { max: 12, limits });
	gaugePoolInUse(() => pool.totalCount - pool.idleCount);
	gaugePoolWaiting(() => pool.waitingCount);
	// By itself, so that the question whether the database answers never waits behind calls.
	const pinging = createPool(url, { max: 1, limits: 'ping' });
	// For notifications alone: this driver goes on listening after a lost connection. Its queries would end the process
	// when a connection breaks in a transaction; see docs/decisions/012-two-drivers-for-postgresql.md.
	const listening = postgres(url, {
		max: 1,
		onnotice: () => {},
		connect_timeout: 3,
		// A lost connection is tried again at least once a second, however long the database has been away.
		backoff: () => 0.2 + Math.random() * 0.3,
		connection: { application_name: 'portico listening' }
	});
	const db = kysely(new PostgresDialect({ pool }));
	const announcing = createPool(url, { max: 1, limits: 'announcing', name: 'portico announcing' });
	const announcements = kysely(new PostgresDialect({ pool: announcing }));
	const announcer = createAnnouncer((texts) => notify(announcements, texts));
	const telling = createPool(url, { max: 2, limits });
	const live = kysely(new PostgresDialect({ pool: telling }));
	for (const one of [db, live]) {
		setAnnouncer(one, announcer);
		setSendingAhead(one);
	}
	return {
		db,
		live,
		source: { url },
		async listen(channel, onMessage, onListening) {
			await listening.listen(channel, onMessage, onListening);
		},
		async ping() {
			await pinging.query('select 1');
		},
		async close() {
			await announcer.stop();
			const pools = [announcing, pinging, telling, pool];
			await Promise.all([listening.end({ timeout: 5 }), ...pools.map((one) => one.end())]);
		}
	};
}

async function openPglite(folder: string): Promise<Database> {
	const { pglite, close } = await openEmbedded(folder);
	const db = kysely(new PGliteDialect({ pglite }));
	return {
		db,
		live: db,
		source: { pglite },
		async listen(channel, onMessage, onListening) {
			await pglite.listen(channel, onMessage);
			onListening();
		},
		async ping() {
			// It lives in this process, and one transaction at a time: a question would wait behind calls.
			if (!pglite.ready || pglite.closed) throw new Error('The embedded database is closed.');
		},
		close
	};
}

const migrationFolder = path.join(import.meta.dirname, '..', '..', 'migrations');

/** The migrations that this database has been through, oldest first. */
async function listDone(db: Db): Promise<string[]> {
	const { rows } = await sql<{ isThere: boolean }>`
		select to_regclass('kysely_migration') is not null as is_there`.execute(db);
	if (!rows[0]?.isThere) return [];
	const { rows: done } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
		db
	);
	return done.map(({ name }) => name);
}

/**
 * Brings the tables up to date.
 * @throws {Error} where a newer version has, since this one can't know what that made of them; or a migration fails.
 */
export async function migrate(db: Db): Promise<void> {
	const known = new Set((await fs.readdir(migrationFolder)).map((file) => path.parse(file).name));
	const done = await listDone(db);
	const newer = done.find((name) => !known.has(name));
	if (newer)
		throw new Error(
			`This Portico is older than the database, which a newer version has brought up to date (${newer}). Start that version, or restore a backup from before it.`
		);
	// As at almost every start: then none of them has to be read.
	if (known.size === done.length) return;
	const migrator = new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder }) });
	const { error, results } = await migrator.migrateToLatest();
	if (!error) return;
	const failed = results?.find(({ status }) => status === 'Error')?.migrationName ?? 'a migration';
	throw new Error(`The database could not be brought up to date: ${failed} failed.`, { cause: error });
}
