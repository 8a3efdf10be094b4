import { untrack } from 'svelte';
import type { PortalSnapshot } from '#lib/apply-portal.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import { reload } from '../../reload.ts';

/** Loads a page of gateways again when something happens to one of them. Call while a component is made. */
export function followGateways(getFeed: () => Feed<PortalSnapshot>, loadedAt: () => number): void {
	const newest = $derived(getFeed().current.recent.find(({ name }) => name.startsWith('gateway.')));
	let knownSeq = untrack(loadedAt);
	$effect(() => {
		if (!newest || newest.seq <= knownSeq) return;
		knownSeq = newest.seq;
		void reload('portico:gateways');
	});
}
