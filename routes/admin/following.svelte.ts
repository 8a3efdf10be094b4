import { untrack } from 'svelte';
import type { PortalSnapshot } from '#lib/apply-portal.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import { isOneOf, type EventPattern } from '#lib/event-patterns.ts';
import { reload } from '../reload.ts';

/**
 * Whether something has happened after number `since` that is one of these: also where more has than a snapshot lists,
 * as after an absence.
 */
export const hasNews = (
	{ seq, recent }: Pick<PortalSnapshot, 'seq' | 'recent'>,
	since: number,
	about: readonly EventPattern[]
): boolean =>
	seq - since > recent.length || recent.some((one) => one.seq > since && isOneOf(one.name, about));

/** Loads what depends on a key again when something happens that the page is about. Call while a component is made. */
export function followNews(
	getFeed: () => Feed<PortalSnapshot>,
	loadedAt: () => number,
	about: readonly EventPattern[],
	key: string
): void {
	let knownSeq = untrack(loadedAt);
	$effect(() => {
		const isNews = hasNews(getFeed().current, knownSeq, about);
		knownSeq = Math.max(knownSeq, getFeed().current.seq);
		if (isNews) void reload(key);
	});
}
