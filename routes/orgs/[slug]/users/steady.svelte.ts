/**
 * A live list that stands still under the pointer and around the focus: while somebody is at one of its rows, what has
 * gone keeps its place, what has come is added at the end, and nothing is put into a new order.
 */
export class Steady<Row extends { id: string }> {
	readonly #latest: () => Row[];
	#held = $state.raw<Row[] | null>(null);
	#ids = $derived.by(() => new Set(this.#latest().map(({ id }) => id)));
	readonly rows: Row[] = $derived.by(() => {
		const latest = this.#latest();
		if (!this.#held) return latest;
		const byId = new Map(latest.map((row) => [row.id, row]));
		const kept = this.#held.map((row) => byId.get(row.id) ?? row);
		const known = new Set(kept.map(({ id }) => id));
		return [...kept, ...latest.filter(({ id }) => !known.has(id))];
	});

	constructor(latest: () => Row[]) {
		this.#latest = latest;
	}

	/** Whether the row is only there to keep its place. */
	isGone({ id }: Row): boolean {
		return !this.#ids.has(id);
	}

	release(): void {
		this.#held = null;
	}

	/** Watches the element that holds the rows. */
	readonly watch = (node: HTMLElement): (() => void) => {
		const hold = () => (this.#held ??= this.#latest());
		// A menu of a row is elsewhere in the page, but moves with it.
		const isBusy = () =>
			node.matches(':hover') ||
			node.contains(document.activeElement) ||
			node.querySelector('[aria-expanded="true"]') !== null;
		let frame = 0;
		const letGo = () => {
			cancelAnimationFrame(frame);
			frame = requestAnimationFrame(() => {
				if (!isBusy()) this.release();
			});
		};
		const listeners = [
			['pointermove', hold],
			['focusin', hold],
			['pointerleave', letGo],
			['focusout', letGo]
		] as const;
		for (const [name, listener] of listeners) node.addEventListener(name, listener);
		return () => {
			cancelAnimationFrame(frame);
			for (const [name, listener] of listeners) node.removeEventListener(name, listener);
		};
	};
}
