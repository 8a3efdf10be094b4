import { sql } from 'kysely';
import { sendAhead } from './ahead.ts';
import type { Db, Trx } from './database.ts';

/** What is counted by key, each within a window of time that begins with the first count: see api/limits.ts for what it limits. */

/**
 * Counts one attempt under the key. One atomic statement, so that any number of attempts at once never gets more than
 * `max` through, on every process together.
 * @param seconds length of the window, which begins with its first attempt.
 * @returns null, or in how many seconds the next window begins when there were more than `max` in this one.
 */
export async function countAttempt(
	db: Db,
	key: string,
	max: number,
	seconds: number
): Promise<number | null> {
	const { rows } = await sql<Window>`
		insert into rate_limit as old (key, count, resets_at)
		values (${key}, 1, now() + make_interval(secs => ${seconds}))
		on conflict (key) do update set
			count = case when old.resets_at <= now() then 1 else old.count + 1 end,
			resets_at = case when old.resets_at <= now() then excluded.resets_at else old.resets_at end
		returning count, ceil(extract(epoch from resets_at - now()))::int as wait`.execute(db);
	const row = rows[0];
	return !row || row.count <= max ? null : row.wait;
}

/** What limits guessing: at most `max` failures under the key within a window of so many seconds. */
export type Bucket = { key: string; max: number; seconds: number };

/**
 * Takes one of the places that a window has left; what finds none doesn't count, as an attempt does.
 * @returns the window that it was taken from, or null.
 */
export async function takePlace(db: Db, { key, max, seconds }: Bucket): Promise<string | null> {
	const { rows } = await sql<{ window: string }>`
		insert into rate_limit as old (key, count, resets_at)
		values (${key}, 1, now() + make_interval(secs => ${seconds}))
		on conflict (key) do update set
			count = case when old.resets_at <= now() then 1 else old.count + 1 end,
			resets_at = case when old.resets_at <= now() then excluded.resets_at else old.resets_at end
		where old.count < ${max} or old.resets_at <= now()
		returning resets_at::text as window`.execute(db);
	return rows[0]?.window ?? null;
}

/** Lets the windows of these keys begin anew. */
export async function clearLimits(db: Db, keys: string[]): Promise<void> {
	await db.deleteFrom('rateLimit').where('key', 'in', keys).execute();
}

type Window = { count: number; wait: number };

/**
 * Begins these windows, of so many seconds each, or goes on with those under way, and holds them until the commit: whoever
 * counts under one of them at the same time waits. In the order in which they are given, which has to be the same for
 * everybody, so that two who hold several never wait for each other. Counts `adding` under each.
 *
 * @returns what is told how much was counted before, by the time that the next statement is answered.
 */
export async function holdWindows(
	db: Trx,
	windows: { key: string; seconds: number; adding: number }[]
): Promise<ReadonlyMap<string, Window>> {
	const held = new Map<string, Window>();
	if (windows.length === 0) return held;
	const isOver = sql`rate_limit.resets_at <= now()`;
	const holding = db
		.insertInto('rateLimit')
		.values(
			windows.map(({ key, seconds, adding }) => ({
				key,
				count: adding,
				resetsAt: sql<Date>`now() + make_interval(secs => ${seconds})`
			}))
		)
		.onConflict((conflict) =>
			conflict.column('key').doUpdateSet({
				count: sql<number>`case when ${isOver} then 0 else rate_limit.count end + excluded.count`,
				resetsAt: sql<Date>`case when ${isOver} then excluded.resets_at else rate_limit.resets_at end`
			})
		)
		.returning(['key', 'count', waitOf]);
	const added = new Map(windows.map(({ key, adding }) => [key, adding]));
	await sendAhead(db, holding, (rows) => {
		for (const { key, count, wait } of rows) held.set(key, { count: count - (added.get(key) ?? 0), wait });
	});
	return held;
}

/** Counts under keys whose windows are held: so many times under each. */
export async function countInWindows(db: Trx, times: ReadonlyMap<string, number>): Promise<void> {
	if (times.size === 0) return;
	const counting = sql`
		update rate_limit set count = count + counted.value::int
		from jsonb_each_text(${JSON.stringify(Object.fromEntries(times))}::text::jsonb) as counted
		where rate_limit.key = counted.key`;
	await sendAhead(db, counting);
}

/** How much was counted under these keys; what has no window under way is left out. */
export async function readWindows(db: Db, keys: string[]): Promise<Map<string, Window>> {
	const rows = await db
		.selectFrom('rateLimit')
		.select(['key', 'count', waitOf])
		.where('key', 'in', keys)
		.where('resetsAt', '>', sql<Date>`now()`)
		.execute();
	return new Map(rows.map(({ key, count, wait }) => [key, { count, wait }]));
}

const waitOf = sql<number>`ceil(extract(epoch from resets_at - now()))::int`.as('wait');

/** Removes windows that are over, but for those that somebody holds. */
export async function deleteExpiredLimits(db: Db): Promise<void> {
	const isOver = db
		.selectFrom('rateLimit')
		.select('key')
		.where('resetsAt', '<', sql<Date>`now()`)
		.forUpdate()
		.skipLocked();
	await db.deleteFrom('rateLimit').where('key', 'in', isOver).execute();
}
