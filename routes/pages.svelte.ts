import { untrack } from 'svelte';
import { toast } from '#lib/browser/toasts.svelte.ts';
import { once } from '#lib/browser/once.ts';
import type { Cursor } from '#lib/views.ts';
import { refusalOf } from './api.ts';

/** Some rows, and where what follows begins: null where nothing does. */
type Page<Row, Next> = { rows: Row[]; next: Next | null };

/**
 * A list in pages: the first as it was loaded last, and those asked for with "Show more". They stay when the first is
 * loaded again, so that news don't move what is being read, and go when `key` says that another list was asked for.
 * Call while a component is made.
 */
export function usePages<Row extends { id: string | number }, Next = Cursor>(
	first: () => Page<Row, Next> & { key: string },
	load: (after: Next) => Promise<Page<Row, Next>>
) {
	let later = $state.raw<Page<Row, Next>>({ rows: [], next: untrack(first).next });
	let isLoading = $state(false);
	let known = untrack(first);
	$effect(() => {
		const now = first();
		untrack(() => {
			const shares = (rows: Row[]) => now.rows.some(({ id }) => rows.some((one) => one.id === id));
			// Where rows have moved up from behind, those that it lacks are gone; otherwise they were pushed out of it.
			const hasMovedUp = shares(later.rows);
			// What is on its way follows on the first page as it was; on one that is all new there would be a hole.
			const isSame =
				now.key === known.key && (later.rows.length > 0 || isLoading) && (hasMovedUp || shares(known.rows));
			if (!isSame) later = { rows: [], next: now.next };
			else if (!hasMovedUp) later = { ...later, rows: once(pushedOut(known.rows, now.rows), later.rows) };
			known = now;
		});
	});
	const rows = $derived(once(first().rows, later.rows));
	return {
		get rows() {
			return rows;
		},
		get hasMore() {
			return later.next !== null;
		},
		get isLoading() {
			return isLoading;
		},
		/** What news say of a row that the first page doesn't hold; null when it is gone. */
		change(id: Row['id'], fields: Partial<Row> | null) {
			const rows = later.rows.flatMap((row) => {
				if (row.id !== id) return row;
				return fields ? { ...row, ...fields } : [];
			});
			later = { ...later, rows };
		},
		async more() {
			if (later.next === null || isLoading) return;
			isLoading = true;
			const { next } = later;
			const { key } = known;
			try {
				const found = await load(next);
				// Another list may have been asked for meanwhile, which these rows don't belong to.
				if (next === later.next && key === known.key)
					later = { rows: once(later.rows, found.rows), next: found.next };
			} catch (error) {
				toast.error(refusalOf(error).message);
			}
			isLoading = false;
		}
	};
}

/** What new rows at the top have pushed over the end of the first page; not what is gone from within it. */
function pushedOut<Row extends { id: string | number }>(before: Row[], after: Row[]): Row[] {
	const ids = new Set(after.map(({ id }) => id));
	return before.slice(before.findLastIndex(({ id }) => ids.has(id)) + 1);
}
