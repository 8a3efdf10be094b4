import { createContext } from 'svelte';
import { applyPortal, type PortalSnapshot } from '#lib/apply-portal.ts';
import type { LiveEvent } from '#lib/events.ts';
import { Feed } from '#lib/browser/feed.svelte.ts';
import { questionLimit } from '#lib/browser/pauses.ts';
import { api } from '../api.ts';
import { orNoEvents } from '../feeds.ts';
import { reload } from '../reload.ts';

/** The live snapshot below `/admin`, handed down by its layout. */
export const [getPortalFeed, setPortalFeed] = createContext<() => Feed<PortalSnapshot>>();

export function createPortalFeed(
	snapshot: PortalSnapshot,
	onEvent: (event: LiveEvent) => void
): Feed<PortalSnapshot> {
	return new Feed(snapshot, {
		stream: { kind: 'portal' },
		apply: applyPortal,
		since: (after) => orNoEvents(api.activity.sincePortal.query({ after }, { signal: questionLimit() })),
		reload: () => void reload(),
		onEvent
	});
}
