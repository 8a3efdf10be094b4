import { invalidate, invalidateAll } from '$app/navigation';
import { navigating, page } from '$app/state';
import { patience } from '#lib/browser/pauses.ts';
import { departures, getSession } from './departure.svelte.ts';
import { missData, noteWhole, probeData } from './staying.ts';

/** Whether a navigation ends in time: one that stands still keeps nothing else waiting. */
const isOverSoon = (navigation: Promise<void>) =>
	Promise.race([
		navigation.then(
			() => true,
			() => true
		),
		new Promise<false>((resolve) => setTimeout(resolve, patience, false))
	]);

/**
 * Loads the page's data again: all of it, or what depends on one key. A navigation under way is waited for, since
 * SvelteKit drops it for an invalidation and leaves the reader where they were. Never fails: see {@link keepingPage}.
 */
export async function reload(key?: string): Promise<void> {
	try {
		if (departures.isHeld && !(await departures.refresh())) {
			// The page of somebody who is no longer there shows nothing else.
			if (departures.here) noteWhole();
			return;
		}
		// An error page has no data to keep: where they don't come, SvelteKit would leave it for the browser's own.
		if (page.error) await (page.route.id ? probeData() : getSession());
	} catch {
		return missData();
	}
	let waitedFor: Promise<void> | null = null;
	while (navigating.complete && navigating.complete !== waitedFor) {
		waitedFor = navigating.complete;
		if (!(await isOverSoon(waitedFor))) return missData();
	}
	if (!key) noteWhole();
	await (key ? invalidate(key) : invalidateAll());
}

/** How long news are collected before a page is loaded again for all of them together, in milliseconds. */
const pause = 500;
/** Keys that were loaded within the last pause, and whether anybody has asked for them since. */
const resting = new Map<string, boolean>();

/** As {@link reload}, at once; calls that come in quick succession after it become one. */
export function reloadSoon(key: string): void {
	if (resting.has(key)) {
		resting.set(key, true);
		return;
	}
	resting.set(key, false);
	void reload(key);
	setTimeout(() => {
		const isWanted = resting.get(key);
		resting.delete(key);
		if (isWanted) reloadSoon(key);
	}, pause);
}

/** Keys that will be loaded at a moment that has been chosen. */
const planned = new Set<string>();

/** As {@link reloadSoon}, at some moment within so many milliseconds: not all pages that hear the same at once. */
export function reloadWithin(key: string, ms: number): void {
	if (planned.has(key)) return;
	planned.add(key);
	setTimeout(() => {
		planned.delete(key);
		reloadSoon(key);
	}, Math.random() * ms);
}
