import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../../src/database/database.ts';

/** So often, that a statement which is prepared is planned once for all its values, as it is after five times. */
const calls = 8;

/**
 * Rows of each table that were read without an index, by everybody so far. A connection keeps its figures for as much
 * as ten seconds and tells them when it ends: so all others that the database has are ended, and come back when they are needed.
 */
async function countScanned(db: Db): Promise<Map<string, number>> {
	return db.connection().execute(async (own) => {
		const others = sql`from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
			and backend_type = 'client backend'`;
		const ended = await sql<{ pid: number }>`select pid, pg_terminate_backend(pid) ${others}`.execute(own);
		const pids = ended.rows.map(({ pid }) => pid);
		for (;;) {
			const left = await sql`select pid ${others} and pid = any(${pids})`.execute(own);
			if (left.rows.length === 0) break;
			await setTimeout(10);
		}
		const { rows } = await sql<{ name: string; read: number }>`
			select relname as name, seq_tup_read::int8 as read from pg_stat_user_tables
			where schemaname = 'public'`.execute(own);
		return new Map(rows.map(({ name, read }) => [name, Number(read)]));
	});
}

/** Until a portal has noticed that its connections have ended. */
async function untilAnswered(call: () => Promise<unknown>): Promise<void> {
	for (let time = 1; ; time++) {
		try {
			await call();
			return;
		} catch (error) {
			if (time === 10) throw error;
			await setTimeout(100);
		}
	}
}

/**
 * The tables of PostgreSQL that a call reads row by row from their beginning, without an index, with how many rows it reads so;
 * but for less than `least`: a small table is read whole because that costs least. What the portal does by itself meanwhile
 * is counted with it.
 */
export async function findScans(db: Db, call: () => Promise<unknown>, least: number): Promise<string> {
	const before = await countScanned(db);
	await untilAnswered(call);
	for (let time = 1; time < calls; time++) await call();
	const after = await countScanned(db);
	// The next one is asked by connections that are there.
	await untilAnswered(call);
	return [...after]
		.map(([table, rows]) => ({ table, rows: Math.round((rows - (before.get(table) ?? 0)) / calls) }))
		.filter(({ rows }) => rows >= least)
		.map(({ table, rows }) => `${table} ${rows.toLocaleString('en')}`)
		.join(', ');
}
