import { sql } from 'kysely';
import { waitInWords } from '#lib/limits.ts';
import type { Db, Trx } from './database.ts';
import { Refusal } from './trpc.ts';

/**
 * Counts one attempt under the key and refuses when there were more than `max` in the window. One atomic statement, so
 * that any number of attempts at once never gets more than `max` through, on every process together.
 * @param seconds length of the window, which begins with its first attempt.
 * @throws {Refusal} TOO_MANY_REQUESTS.
 */
export async function limit(db: Db, key: string, max: number, seconds: number): Promise<void> {
	const { rows } = await sql<{ count: number; wait: number }>`
		insert into rate_limit as old (key, count, resets_at)
		values (${key}, 1, now() + make_interval(secs => ${seconds}))
		on conflict (key) do update set
			count = case when old.resets_at <= now() then 1 else old.count + 1 end,
			resets_at = case when old.resets_at <= now() then excluded.resets_at else old.resets_at end
		returning count, ceil(extract(epoch from resets_at - now()))::int as wait`.execute(db);
	const row = rows[0];
	if (!row || row.count <= max) return;
	throw new Refusal(
		'TOO_MANY_REQUESTS',
		'TOO_MANY_REQUESTS',
		`That was too often. Try again in ${waitInWords(row.wait)}.`
	);
}

type Window = { count: number; wait: number };

/**
 * Begins the windows of these keys, or goes on with those under way, and holds them until the commit: whoever counts
 * under one of them at the same time waits. In one order, so that two who hold several never wait for each other.
 */
export async function holdWindows(db: Trx, keys: string[], seconds: number): Promise<Map<string, Window>> {
	if (keys.length === 0) return new Map();
	const ends = sql<Date>`now() + make_interval(secs => ${seconds})`;
	const isOver = sql`rate_limit.resets_at <= now()`;
	const rows = await db
		.insertInto('rateLimit')
		.values([...new Set(keys)].sort().map((key) => ({ key, count: 0, resetsAt: ends })))
		.onConflict((conflict) =>
			conflict.column('key').doUpdateSet({
				count: sql<number>`case when ${isOver} then 0 else rate_limit.count end`,
				resetsAt: sql<Date>`case when ${isOver} then excluded.resets_at else rate_limit.resets_at end`
			})
		)
		.returning(['key', 'count', waitOf])
		.execute();
	return new Map(rows.map(({ key, count, wait }) => [key, { count, wait }]));
}

/** Counts under keys whose windows are held. */
export async function countInWindows(db: Trx, keys: string[], times: number): Promise<void> {
	if (keys.length === 0 || times === 0) return;
	await db
		.updateTable('rateLimit')
		.set((eb) => ({ count: eb('count', '+', times) }))
		.where('key', 'in', keys)
		.execute();
}

/** How much was counted under these keys; what has no window under way is left out. */
export async function readWindows(db: Db, keys: string[]): Promise<Map<string, Window>> {
	const rows = await db
		.selectFrom('rateLimit')
		.select(['key', 'count', waitOf])
		.where('key', 'in', keys)
		.where('resetsAt', '>', new Date())
		.execute();
	return new Map(rows.map(({ key, count, wait }) => [key, { count, wait }]));
}

const waitOf = sql<number>`ceil(extract(epoch from resets_at - now()))::int`.as('wait');

/** Removes windows that are over, but for those that somebody holds. */
export async function deleteExpiredLimits(db: Db): Promise<void> {
	const isOver = db
		.selectFrom('rateLimit')
		.select('key')
		.where('resetsAt', '<', new Date())
		.forUpdate()
		.skipLocked();
	await db.deleteFrom('rateLimit').where('key', 'in', isOver).execute();
}
