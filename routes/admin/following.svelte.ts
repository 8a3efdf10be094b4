import { untrack } from 'svelte';
import type { PortalSnapshot } from '#lib/apply-portal.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import { isOneOf, type EventPattern } from '#lib/event-patterns.ts';
import { reload } from '../reload.ts';

/** Loads what depends on a key again when something happens that the page is about. Call while a component is made. */
export function followNews(
	getFeed: () => Feed<PortalSnapshot>,
	loadedAt: () => number,
	about: readonly EventPattern[],
	key: string
): void {
	const newest = $derived(getFeed().current.recent.find(({ name }) => isOneOf(name, about)));
	let knownSeq = untrack(loadedAt);
	$effect(() => {
		if (!newest || newest.seq <= knownSeq) return;
		knownSeq = newest.seq;
		void reload(key);
	});
}
