import { sql } from 'kysely';
import { waitInWords } from '#lib/limits.ts';
import type { Db, Trx } from './database.ts';
import { Refusal, tooMany } from './refusals.ts';
import { isUnavailable } from './transaction.ts';
import { inTurn } from './turns.ts';

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

const tooOften = (wait: number) => tooMany(`That was too often. Try again in ${waitInWords(wait)}.`, wait);

/**
 * Counts one attempt and refuses when there were more than `max`; see {@link countAttempt}.
 * @throws {Refusal} TOO_MANY_REQUESTS.
 */
export async function limit(db: Db, key: string, max: number, seconds: number): Promise<void> {
	const wait = await countAttempt(db, key, max, seconds);
	if (wait !== null) throw tooOften(wait);
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

/** The attempts of this process that hold a place, by the bucket's key. */
const underWay = new Map<string, Set<Promise<void>>>();

/** Shows that one is under way until it is said to be over. */
function showUnderWay(key: string): () => void {
	const all = underWay.get(key) ?? new Set();
	underWay.set(key, all);
	const { promise, resolve } = Promise.withResolvers<void>();
	all.add(promise);
	return () => {
		all.delete(promise);
		if (all.size === 0) underWay.delete(key);
		resolve();
	};
}

interface Place {
	giveBack: () => Promise<void>;
	/** Once it is given back or lost. */
	leave: () => void;
}

/**
 * Takes one of the failures that are left, before anybody knows whether it is one. One after the other: the last places
 * may be held by attempts that turn out to be right, and give them back.
 */
const reserve = (db: Db, bucket: Bucket): Promise<Place> =>
	inTurn(`reserve:${bucket.key}`, 1, async () => {
		const { key } = bucket;
		for (;;) {
			const others = [...(underWay.get(key) ?? [])];
			const window = await takePlace(db, bucket);
			if (window !== null) return { giveBack: () => giveBack(db, key, window), leave: showUnderWay(key) };
			if (others.length > 0) await Promise.race(others);
			else {
				const wait = (await readWindows(db, [key])).get(key)?.wait;
				if (wait !== undefined) throw tooOften(wait);
			}
		}
	});

/** Not to a window that has begun since. */
async function giveBack(db: Db, key: string, window: string): Promise<void> {
	await sql`
		update rate_limit set count = count - 1
		where key = ${key} and resets_at = ${window}::timestamptz and count > 0`.execute(db);
}

/**
 * Whether the attempt has told that what was tried is wrong: any other refusal is about something that was right, and
 * an outage tells nothing.
 */
const tellsWrong = (error: unknown) =>
	error instanceof Refusal
		? error.code === 'NOT_FOUND' || error.code === 'BAD_REQUEST'
		: !isUnavailable(error);

/** Of one bucket so many are tried at once in this process: who are right take nothing from each other's failures. */
const atOnce = 4;

/**
 * An attempt that may be a guess. Failures count under every bucket, successes under none, so that any number of people
 * behind one address get in. What a failure takes is taken before the attempt and given back after a success: of any
 * number of guesses at once never more than `max` are tried, on every process together. Never inside a transaction.
 * @throws {Refusal} TOO_MANY_REQUESTS before anything is tried.
 */
export async function limitFailures<Result>(
	db: Db,
	[bucket, ...others]: Bucket[],
	attempt: () => Promise<Result>,
	isFailure = tellsWrong
): Promise<Result> {
	if (!bucket) return attempt();
	return inTurn(`limit:${bucket.key}`, atOnce, async () => {
		const place = await reserve(db, bucket);
		try {
			const result = await limitFailures(db, others, attempt, isFailure);
			await place.giveBack();
			return result;
		} catch (error) {
			// Where the place can't be given back either, what the attempt said is still its answer.
			if (!isFailure(error)) await place.giveBack().catch(() => undefined);
			throw error;
		} finally {
			place.leave();
		}
	});
}

/** Lets the windows of these keys begin anew. */
export async function clearLimits(db: Db, keys: string[]): Promise<void> {
	await db.deleteFrom('rateLimit').where('key', 'in', keys).execute();
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
