import { sql } from 'kysely';
import type { Db } from './database.ts';

/**
 * The processes that serve one portal. Each says every `sayAliveSeconds` that it lives; of one that fell silent nobody knows
 * whether it does, so it counts a while longer.
 */
export const sayAliveSeconds = 10;
export const silentSeconds = 30;

export interface Process {
	id: string;
	host: string;
	/** Which Portico it runs. */
	version: string;
	/** What the keys that it writes with are known by. */
	encryptionKey: string;
	lookupKey: string;
}

const isFresh = sql<boolean>`seen_at > clock_timestamp() - make_interval(secs => ${sql.lit(silentSeconds)})`;

export const listProcesses = (db: Db): Promise<Process[]> =>
	db
		.selectFrom('process')
		.select(['id', 'host', 'version', 'encryptionKey', 'lookupKey'])
		.where(isFresh)
		.orderBy('host')
		.orderBy('id')
		.execute();

/**
 * Takes the rows of processes that have fallen silent, for whoever is the first to ask; one that was only paused says again
 * that it lives.
 */
export async function takeSilent(db: Db): Promise<string[]> {
	const rows = await db
		.deleteFrom('process')
		.where((eb) => eb.not(isFresh))
		.returning('id')
		.execute();
	return rows.map(({ id }) => id);
}

/** Says that this process lives; what the database's clock shows, and which others live. */
export async function sayAlive(db: Db, self: Process): Promise<{ now: Date; others: Process[] }> {
	const row = await db
		.insertInto('process')
		.values(self)
		.onConflict((conflict) => conflict.column('id').doUpdateSet({ seenAt: sql`clock_timestamp()` }))
		.returning(sql<Date>`clock_timestamp()`.as('now'))
		.executeTakeFirstOrThrow();
	const all = await listProcesses(db);
	return { now: row.now, others: all.filter(({ id }) => id !== self.id) };
}

/** The process ends. */
export async function leave(db: Db, id: string): Promise<void> {
	await db.deleteFrom('process').where('id', '=', id).execute();
}
