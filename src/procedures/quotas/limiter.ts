import pLimit from 'p-limit';
import type { Db } from '../../database/database.ts';
import { judge, pay, stateOf, wantedOf, type Held, type LimitState, type Seconds } from './holdings.ts';
import { createRests } from './rests.ts';
import { takeShares, type Limit, type Share } from './shares.ts';

/**
 * Lets requests through, never more in a span than its limit over all processes together, and without a write per request:
 * a process takes a share of the span, in one statement for all who ask meanwhile, and spends it from memory.
 *
 * Which second it is is said by the database's clock, known to within the round trip that asked for it: a request that may
 * belong to either of two seconds is spent from both.
 */

export interface Verdict {
	/** The limit that is reached, or null where the request may go on. */
	reached: LimitState | null;
	limits: LimitState[];
}

/** What isn't spent from for so many milliseconds is given back. */
const idleAfter = 60_000;
const tidyEvery = 20_000;
/** An exhausted month is asked for again after so many seconds: something may have been given back. */
const monthAgain = 5;
/** So often a request asks for shares before it is to come again: others were faster each time. */
const asksAtMost = 20;

const keyOf = ({ span, subject }: Pick<Limit, 'span' | 'subject'>) => `${span} ${subject}`;

export type Limiter = ReturnType<typeof createLimiter>;

/** @param onTaken is told of every share of a month, with how much of it is taken by now. */
export function createLimiter(
	{ db, processId, report }: { db: Db; processId: string; report: (error: unknown) => void },
	onTaken: (limit: Limit, share: Share) => void = () => undefined
) {
	const held = { second: new Map<string, Held>(), month: new Map<string, Held>() };
	const find = ({ span, subject }: Limit) => held[span].get(subject);
	const rests = createRests(db);
	const inOrder = pLimit(1);
	const asking = new Map<string, Limit>();
	/** How many requests wait for a share of which limit. */
	const waiting = new Map<string, number>();
	let taking: Promise<void> | null = null;
	/** How far the database's clock is ahead of this one, at least and at most; in milliseconds. */
	let ahead = { least: 0, most: 0 };

	function secondsNow(): Seconds {
		const now = performance.now();
		return {
			first: Math.floor((now + ahead.least) / 1000),
			second: Math.floor((now + ahead.most) / 1000)
		};
	}

	/** Has a share taken; whoever asks while a statement is under way goes with the next one. */
	function ask(limit: Limit): Promise<void> {
		asking.set(keyOf(limit), limit);
		return (taking ??= inOrder(take));
	}

	function count(limit: Limit, step: 1 | -1): void {
		const key = keyOf(limit);
		const now = (waiting.get(key) ?? 0) + step;
		if (now > 0) waiting.set(key, now);
		else waiting.delete(key);
	}

	async function take(): Promise<void> {
		taking = null;
		const asked = [...asking.values()].map((one) => ({
			...one,
			wanted: wantedOf(find(one), one, waiting.get(keyOf(one)) ?? 0, secondsNow()),
			waiting: waiting.get(keyOf(one)) ?? 1
		}));
		asking.clear();
		const sent = performance.now();
		const shares = await takeShares(db, processId, asked);
		const received = performance.now();
		const [first] = shares;
		if (first) ahead = { least: first.at - received, most: first.at - sent };
		const limits = new Map(asked.map((one) => [keyOf(one), one]));
		for (const share of shares) {
			const limit = limits.get(keyOf(share));
			if (limit) hold(limit, share, received);
		}
	}

	function hold(limit: Limit & { wanted: number }, share: Share, now: number): void {
		const before = find(limit);
		const isSameMonth = share.span === 'month' && before?.share.endsAt === share.endsAt;
		const isShort = share.granted < Math.min(limit.wanted, limit.most);
		const { first } = secondsNow();
		const pause = share.span === 'second' ? 0 : share.granted === 0 ? monthAgain : -1;
		held[share.span].set(share.subject, {
			share,
			under: limit.most,
			left: share.granted + (isSameMonth ? before.left : 0),
			spent: before?.spent ?? new Map(),
			shortUntil: isShort ? first + pause : 0,
			wanted: limit.wanted,
			takenAt: now,
			spentAt: before?.spentAt ?? now
		});
		if (share.span === 'month') onTaken(limit, share);
	}

	async function giveIdleBack(forMs: number): Promise<void> {
		const now = performance.now();
		for (const { share, left, spentAt } of [...held.second.values(), ...held.month.values()]) {
			if (now - spentAt < forMs) continue;
			held[share.span].delete(share.subject);
			if (share.span !== 'month' || left <= 0) continue;
			rests.add({ subject: share.subject, endsAt: share.endsAt, left });
		}
		await rests.send();
	}

	const tidy = (forMs: number) => inOrder(() => giveIdleBack(forMs)).catch(report);
	const tidying = setInterval(() => void tidy(idleAfter), tidyEvery);

	return {
		/**
		 * Spends one request from all of these limits, or from none where one of them is reached. A limit of 0 is none.
		 * @throws {Error} when the database doesn't give a share.
		 */
		async spend(given: readonly Limit[]): Promise<Verdict> {
			const limits = given.filter(({ most }) => most > 0);
			for (let asked = 0; ; asked += 1) {
				const now = secondsNow();
				const answer = (reached: Limit | null): Verdict => {
					// What others spent of it isn't known here: that nothing is left is.
					const states = limits.map((limit) => ({
						...stateOf(find(limit), limit, now),
						...(limit === reached && { left: 0 })
					}));
					return { reached: states[limits.findIndex((limit) => limit === reached)] ?? null, limits: states };
				};
				const verdicts = limits.map((limit) => judge(find(limit), limit, now));
				const full = limits[verdicts.indexOf('full')];
				if (full) return answer(full);
				const unknown = limits.filter((_, index) => verdicts[index] === 'unknown');
				if (unknown.length === 0) {
					for (const limit of limits) {
						const one = find(limit);
						if (one) pay(one, limit, now);
					}
					return answer(null);
				}
				if (asked === asksAtMost) {
					const { reached, limits: states } = answer(unknown[0] ?? null);
					return { reached: reached && { ...reached, resetsIn: 1 }, limits: states };
				}
				for (const limit of unknown) count(limit, 1);
				try {
					await Promise.all(unknown.map(ask));
				} finally {
					for (const limit of unknown) count(limit, -1);
				}
			}
		},
		/** Gives back what isn't spent; tried again where the answer is lost. */
		async stop(): Promise<void> {
			clearInterval(tidying);
			for (let tried = 0; tried < 3; tried += 1) {
				await tidy(0);
				if (!rests.isUncertain()) return;
			}
		}
	};
}
