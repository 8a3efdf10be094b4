import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { Db } from '../../database/database.ts';
import { giveBack, takeShares, type Limit, type Rest, type Share } from './shares.ts';

/**
 * Lets requests through, never more in a span than its limit over all processes together, and without a write per request:
 * a process takes a share of the span, in one statement for all who ask meanwhile, and spends it from memory.
 *
 * Which second it is is said by the database's clock, known to within the round trip that asked for it: a request that may
 * belong to either of two seconds is spent from both.
 */

/** How much of a limit is left, as far as this process knows, and in how many seconds it begins anew. */
export interface LimitState extends Limit {
	left: number;
	resetsIn: number;
}

export interface Verdict {
	/** The limit that is reached, or null where the request may go on. */
	reached: LimitState | null;
	limits: LimitState[];
}

/** What was taken under one limit. */
interface Held {
	share: Share;
	/** The limit that it was taken under. */
	under: number;
	/** Of a month: what is not spent. */
	left: number;
	/** Of seconds: how much was spent in which. */
	spent: Map<number, number>;
	/** Up to this second, less than was wanted was given: asking again is of no use before. */
	shortUntil: number;
	/** How much to ask for next. */
	wanted: number;
	/** By this process' own clock, in milliseconds. */
	takenAt: number;
	spentAt: number;
}

/** The second that it is by now, and the one that it may be already. */
interface Seconds {
	first: number;
	second: number;
}

/** What isn't spent from for so many milliseconds is given back. */
const idleAfter = 60_000;
const tidyEvery = 20_000;
/** So much waits to be given back at most, while the database is away, and goes in one statement. */
const [restsAtMost, restsAtOnce] = [100_000, 10_000];
/** Of a month so much is taken at once that it lasts for about so many milliseconds. */
const lastsFor = 5_000;
/** Of a month so much is taken at first, and a hundredth of it at most: what is lent counts as used. */
const wantedAtFirst = 16;
const wantedAtMost = 10_000;
/** An exhausted month is asked for again after so many seconds: something may have been given back. */
const monthAgain = 5;
/** So often a request asks for shares before it is to come again: others were faster each time. */
const asksAtMost = 20;

const spentIn = ({ spent }: Held, at: number) => spent.get(at) ?? 0;
/**
 * Requests a second that a share lets through. Once the limit is lowered, everybody has the same part of it as of the former
 * one, all of them together no more than it; what was taken before ends by itself, and only then something else is taken.
 */
const rateOf = ({ share, under }: Held, { most }: Limit) =>
	most < under ? Math.floor((share.granted * most) / under) : Math.min(share.granted, most);
const keyOf = ({ span, subject }: Pick<Limit, 'span' | 'subject'>) => `${span} ${subject}`;

export type Limiter = ReturnType<typeof createLimiter>;

/** @param onTaken is told of every share of a month, with how much of it is taken by now. */
export function createLimiter(
	{ db, processId, report }: { db: Db; processId: string; report: (error: unknown) => void },
	onTaken: (limit: Limit, share: Share) => void = () => undefined
) {
	const held = { second: new Map<string, Held>(), month: new Map<string, Held>() };
	const find = ({ span, subject }: Limit) => held[span].get(subject);
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
			wanted: wantedOf(one),
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

	function wantedOf(limit: Limit): number {
		const one = find(limit);
		if (limit.span === 'month') {
			const least = Math.max(waiting.get(keyOf(limit)) ?? 0, 1);
			if (!one) return Math.max(least, Math.min(wantedAtFirst, Math.floor(limit.most / 100)));
			const isTooLittle = performance.now() - one.takenAt < lastsFor;
			return Math.min(
				Math.max(isTooLittle ? one.wanted * 2 : Math.ceil(one.wanted / 2), least),
				wantedAtMost
			);
		}
		const { second } = secondsNow();
		// What it has isn't enough for this second.
		if (one && second < one.share.endsAt) return limit.most;
		const busiest = Math.max(0, ...(one?.spent.values() ?? []));
		return Math.min(limit.most, Math.max(Math.ceil(busiest * 1.25), Math.ceil(limit.most / 4)));
	}

	/** Whether one more request may go through; `unknown` until a share was asked for. */
	function look(limit: Limit, { first, second }: Seconds): 'free' | 'full' | 'unknown' {
		const one = find(limit);
		if (!one) return 'unknown';
		const isLowered = limit.most < one.under;
		if (second >= one.share.endsAt) {
			// Asked for before it has surely ended, a share of the former limit would be given again.
			return isLowered && limit.span === 'second' && first < one.share.endsAt ? 'full' : 'unknown';
		}
		const isShort = first <= one.shortUntil;
		if (limit.span === 'month') {
			// Others may have taken more than the lowered limit lets through.
			if (isLowered) return 'unknown';
			if ((one.share.taken ?? 0) - one.left >= limit.most) return 'full';
			if (one.left > 0) return 'free';
			// Of a raised limit nobody has been asked yet.
			return isShort && limit.most <= one.under ? 'full' : 'unknown';
		}
		const rate = rateOf(one, limit);
		if (spentIn(one, first) < rate && spentIn(one, second) < rate) return 'free';
		return rate >= limit.most || isShort || isLowered ? 'full' : 'unknown';
	}

	function pay(limit: Limit, { first, second }: Seconds): void {
		const one = find(limit);
		if (!one) return;
		one.spentAt = performance.now();
		one.under = Math.max(one.under, limit.most);
		if (limit.span === 'month') {
			one.left -= 1;
			return;
		}
		one.spent.set(first, spentIn(one, first) + 1);
		if (second !== first) one.spent.set(second, spentIn(one, second) + 1);
		if (one.spent.size > 10) for (const at of one.spent.keys()) if (at < first - 5) one.spent.delete(at);
	}

	function stateOf(limit: Limit, { second }: Seconds): LimitState {
		const { subject, span, most, name } = limit;
		const one = find(limit);
		if (span === 'second') {
			const left = Math.max(most - (one ? spentIn(one, second) : 0), 0);
			return { subject, span, most, name, left, resetsIn: 1 };
		}
		const used = one ? (one.share.taken ?? 0) - one.left : 0;
		const resetsIn = Math.max((one?.share.endsAt ?? second) - second, 1);
		return { subject, span, most, name, left: Math.max(most - used, 0), resetsIn };
	}

	/** What is to be given back, and of it what was sent and not answered, which goes again as it is. */
	const rests = new Map<string, Rest>();
	let sent: { key: string; rests: Rest[] } | null = null;

	function takeRests(): typeof sent {
		const taken = [...rests].slice(0, restsAtOnce);
		for (const [key] of taken) rests.delete(key);
		return taken.length === 0 ? null : { key: randomUUID(), rests: taken.map(([, rest]) => rest) };
	}

	async function giveIdleBack(forMs: number): Promise<void> {
		const now = performance.now();
		for (const { share, left, spentAt } of [...held.second.values(), ...held.month.values()]) {
			if (now - spentAt < forMs) continue;
			held[share.span].delete(share.subject);
			if (share.span !== 'month' || left <= 0) continue;
			const { subject, endsAt } = share;
			const key = `${subject} ${endsAt}`;
			// More than that is lost to the month.
			if (rests.size >= restsAtMost && !rests.has(key)) continue;
			rests.set(key, { subject, endsAt, left: left + (rests.get(key)?.left ?? 0) });
		}
		while ((sent ??= takeRests())) {
			await giveBack(db, sent.key, sent.rests);
			sent = null;
		}
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
						...stateOf(limit, now),
						...(limit === reached && { left: 0 })
					}));
					return { reached: states[limits.findIndex((limit) => limit === reached)] ?? null, limits: states };
				};
				const looks = limits.map((limit) => look(limit, now));
				const full = limits[looks.indexOf('full')];
				if (full) return answer(full);
				const unknown = limits.filter((_, index) => looks[index] === 'unknown');
				if (unknown.length === 0) {
					for (const limit of limits) pay(limit, now);
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
				if (sent === null) return;
			}
		}
	};
}
