import { invalidate, invalidateAll } from '$app/navigation';
import { navigating } from '$app/state';

/**
 * Loads the page's data again: all of it, or what depends on one key. A navigation under way is waited for, since
 * SvelteKit drops it for an invalidation and leaves the reader where they were.
 */
export async function reload(key?: string): Promise<void> {
	let waitedFor: Promise<void> | null = null;
	while (navigating.complete && navigating.complete !== waitedFor) {
		waitedFor = navigating.complete;
		await waitedFor.catch(() => undefined);
	}
	await (key ? invalidate(key) : invalidateAll());
}

/** How long news are collected before a page is loaded again for all of them together, in milliseconds. */
const collecting = 500;
const planned = new Set<string>();

/** As {@link reload}, once for however many calls come in quick succession. */
export function reloadSoon(key: string): void {
	if (planned.has(key)) return;
	planned.add(key);
	setTimeout(() => {
		planned.delete(key);
		void reload(key);
	}, collecting);
}
