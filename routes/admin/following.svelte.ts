import { untrack } from 'svelte';
import type { PortalSnapshot } from '#lib/apply-portal.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import type { LiveEvent } from '#lib/events.ts';
import { isOneOf, type EventPattern } from '#lib/event-patterns.ts';

/**
 * Hands on what happens that a page is about, the newest first, and by an empty list that more has happened than a snapshot
 * tells of, as after an absence. Call while a component is made.
 */
export function followNews(
	getFeed: () => Feed<PortalSnapshot>,
	loadedAt: () => number,
	about: readonly EventPattern[],
	take: (news: LiveEvent[]) => void
): void {
	let knownSeq = untrack(loadedAt);
	$effect(() => {
		const { seq, recent } = getFeed().current;
		const news = recent.filter((one) => one.seq > knownSeq && isOneOf(one.name, about));
		const hasMore = seq - knownSeq > recent.length;
		knownSeq = Math.max(knownSeq, seq);
		if (news.length > 0 || hasMore) untrack(() => take(news));
	});
}
