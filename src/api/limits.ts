import { sql } from 'kysely';
import { waitInWords } from '#lib/dates.ts';
import type { Db } from '../database/database.ts';
import { Refusal, tooMany } from './refusals.ts';
import { isUnavailable } from '../database/transaction.ts';
import { inTurn } from '../database/turns.ts';
import { countAttempt, readWindows, takePlace, type Bucket } from '../database/windows.ts';

const tooOften = (wait: number) => tooMany(`That was too often. Try again in ${waitInWords(wait)}.`, wait);

/**
 * Counts one attempt and refuses when there were more than `max`; see {@link countAttempt}.
 * @throws {Refusal} TOO_MANY_REQUESTS.
 */
export async function limit(db: Db, key: string, max: number, seconds: number): Promise<void> {
	const wait = await countAttempt(db, key, max, seconds);
	if (wait !== null) throw tooOften(wait);
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

/**
 * As {@link limitFailures}, for links, whose tokens nobody guesses: counted after the attempt, so that whoever has the right
 * one gets in, however often others behind the same address were wrong.
 * @throws {Refusal} TOO_MANY_REQUESTS in place of what the attempt said.
 */
export async function limitGuesses<Result>(
	db: Db,
	{ key, max, seconds }: Bucket,
	attempt: () => Promise<Result>
): Promise<Result> {
	try {
		return await attempt();
	} catch (error) {
		if (tellsWrong(error)) await limit(db, key, max, seconds);
		throw error;
	}
}
