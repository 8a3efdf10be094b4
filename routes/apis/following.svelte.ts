import { live } from '#lib/browser/live.svelte.ts';
import { isOneOf, type EventPattern } from '#lib/event-patterns.ts';
import { reloadSoon } from '../reload.ts';

/** What decides what the reader's organizations have of a product, and who of them may ask for it. */
export const ofOrganizations: EventPattern[] = ['access.*', 'application.*', 'member.*', 'organization.*'];

/**
 * Loads a page of products again whenever news may have been missed, and when something has happened in an organization of
 * the reader's that it may show. Call while a component is made.
 */
export function followProducts(matters = (name: string) => isOneOf(name, ofOrganizations)): void {
	$effect(() => {
		// Where the page has just been loaded.
		let isNew = true;
		const end = live.follow({
			hears: (stream) => stream.kind === 'organization',
			take: ({ name }) => matters(name) && reloadSoon('portico:products'),
			catchUp: () => {
				if (!isNew) reloadSoon('portico:products');
			}
		});
		isNew = false;
		return end;
	});
}
