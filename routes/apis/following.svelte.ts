import { live } from '#lib/browser/live.svelte.ts';
import { reloadSoon } from '../reload.ts';

/** Loads a page of products again whenever news may have been missed. Call while a component is made. */
export function followProducts(): void {
	$effect(() => {
		// Where the page has just been loaded.
		let isNew = true;
		const end = live.follow({
			hears: () => false,
			take: () => undefined,
			catchUp: () => {
				if (!isNew) reloadSoon('portico:products');
			}
		});
		isNew = false;
		return end;
	});
}
