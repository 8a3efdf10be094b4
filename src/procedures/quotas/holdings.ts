import type { Limit, Share } from './shares.ts';

/** What a process holds of a limit, and what it lets through by that. */

/** What was taken under one limit. */
export interface Held {
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
export interface Seconds {
	first: number;
	second: number;
}

/** How much of a limit is left, as far as this process knows, and in how many seconds it begins anew. */
export interface LimitState extends Limit {
	left: number;
	resetsIn: number;
}

/** Of a month so much is taken at once that it lasts for about so many milliseconds. */
const lastsFor = 5_000;
/** Of a month so much is taken at first, and a hundredth of it at most: what is lent counts as used. */
const wantedAtFirst = 16;
const wantedAtMost = 10_000;

const spentIn = ({ spent }: Held, at: number) => spent.get(at) ?? 0;

/**
 * Requests a second that a share lets through. Once the limit is lowered, everybody has the same part of it as of the former
 * one, all of them together no more than it; what was taken before ends by itself, and only then something else is taken.
 */
const rateOf = ({ share, under }: Held, { most }: Limit) =>
	most < under ? Math.floor((share.granted * most) / under) : Math.min(share.granted, most);

/** How much to ask for, where so many wait for it. */
export function wantedOf(one: Held | undefined, limit: Limit, waiting: number, { second }: Seconds): number {
	if (limit.span === 'month') {
		const least = Math.max(waiting, 1);
		if (!one) return Math.max(least, Math.min(wantedAtFirst, Math.floor(limit.most / 100)));
		const isTooLittle = performance.now() - one.takenAt < lastsFor;
		return Math.min(Math.max(isTooLittle ? one.wanted * 2 : Math.ceil(one.wanted / 2), least), wantedAtMost);
	}
	// What it has isn't enough for this second.
	if (one && second < one.share.endsAt) return limit.most;
	const busiest = Math.max(0, ...(one?.spent.values() ?? []));
	return Math.min(limit.most, Math.max(Math.ceil(busiest * 1.25), Math.ceil(limit.most / 4)));
}

/** Whether one more request may go through; `unknown` until a share was asked for. */
export function judge(
	one: Held | undefined,
	limit: Limit,
	{ first, second }: Seconds
): 'free' | 'full' | 'unknown' {
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

/** Notes one request as spent. */
export function pay(one: Held, limit: Limit, { first, second }: Seconds): void {
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

export function stateOf(one: Held | undefined, limit: Limit, { second }: Seconds): LimitState {
	const { subject, span, most, name } = limit;
	if (span === 'second') {
		const left = Math.max(most - (one ? spentIn(one, second) : 0), 0);
		return { subject, span, most, name, left, resetsIn: 1 };
	}
	const used = one ? (one.share.taken ?? 0) - one.left : 0;
	const resetsIn = Math.max((one?.share.endsAt ?? second) - second, 1);
	return { subject, span, most, name, left: Math.max(most - used, 0), resetsIn };
}
