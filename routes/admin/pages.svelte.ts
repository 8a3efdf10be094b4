import { untrack } from 'svelte';
import { toast } from '#lib/browser/toasts.svelte.ts';
import type { Cursor } from '#lib/views.ts';
import { refusalOf } from '../api.ts';

type Page<Row> = { rows: Row[]; next: Cursor | null };

/**
 * A list in pages: the first as it was loaded last, and those asked for with "Show more". They stay when the first is
 * loaded again, so that news don't move what is being read, and go when `key` says that another list was asked for.
 * Call while a component is made.
 */
export function usePages<Row extends { id: string }>(
	first: () => Page<Row> & { key: string },
	load: (after: Cursor) => Promise<Page<Row>>
) {
	let later = $state.raw<Page<Row>>({ rows: [], next: untrack(first).next });
	let isLoading = $state(false);
	let known = untrack(first);
	$effect(() => {
		const now = first();
		untrack(() => {
			// What is on its way follows on the first page as it was.
			const isSame = now.key === known.key && (later.rows.length > 0 || isLoading);
			later = isSame
				? { ...later, rows: [...pushedOut(known.rows, now.rows), ...later.rows] }
				: { rows: [], next: now.next };
			known = now;
		});
	});
	const rows = $derived.by(() => {
		const begin = first().rows;
		const shown = new Set(begin.map(({ id }) => id));
		return [...begin, ...later.rows.filter(({ id }) => !shown.has(id))];
	});
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
		change(id: string, fields: Partial<Row> | null) {
			const rows = later.rows.flatMap((row) => {
				if (row.id !== id) return row;
				return fields ? { ...row, ...fields } : [];
			});
			later = { ...later, rows };
		},
		async more() {
			if (!later.next) return;
			isLoading = true;
			const { next } = later;
			try {
				const found = await load(next);
				// Another list may have been asked for meanwhile, which these rows don't belong to.
				if (next === later.next) later = { rows: [...later.rows, ...found.rows], next: found.next };
			} catch (error) {
				toast.error(refusalOf(error).message);
			}
			isLoading = false;
		}
	};
}

/** What new rows at the top have pushed over the end of the first page; not what is gone from within it. */
function pushedOut<Row extends { id: string }>(before: Row[], after: Row[]): Row[] {
	const ids = new Set(after.map(({ id }) => id));
	return before.slice(before.findLastIndex(({ id }) => ids.has(id)) + 1);
}
