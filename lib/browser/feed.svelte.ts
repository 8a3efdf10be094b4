import { SvelteSet } from 'svelte/reactivity';
import type { LiveEvent } from '../events.ts';
import type { Follower } from './live.svelte.ts';
import { isSameStream, type Stream } from '../wire.ts';

/** For how long a row that somebody else changed is shown as fresh, in milliseconds. */
const freshness = 4000;
/** How many past events are kept, to be applied again on a snapshot that was older than they are. */
const memory = 200;

/** One stream's snapshot, kept up to date. */
export class Feed<Snapshot extends { seq: number }> implements Follower {
	readonly #stream: Stream;
	readonly #apply: (snapshot: Snapshot, event: LiveEvent) => Snapshot;
	readonly #since: (after: number) => Promise<{ events: LiveEvent[] | null }>;
	readonly #reload: () => void;
	readonly #onEvent: (event: LiveEvent) => void;
	#current = $state.raw() as Snapshot;
	readonly #fresh = new SvelteSet<string>();
	/** Recent events by number: applied ones, and ones that wait for a missing number. */
	readonly #known = new Map<number, LiveEvent>();
	#asking = false;
	#askAgain = false;

	constructor(
		snapshot: Snapshot,
		parts: {
			stream: Stream;
			apply: (snapshot: Snapshot, event: LiveEvent) => Snapshot;
			/** Asks the server for the events after a number; null when there are too many. */
			since: (after: number) => Promise<{ events: LiveEvent[] | null }>;
			/** Loads the snapshot again. */
			reload: () => void;
			/** Called once for each event, as it is applied. */
			onEvent: (event: LiveEvent) => void;
		}
	) {
		this.#current = snapshot;
		this.#stream = parts.stream;
		this.#apply = parts.apply;
		this.#since = parts.since;
		this.#reload = parts.reload;
		this.#onEvent = parts.onEvent;
	}

	get current(): Snapshot {
		return this.#current;
	}

	/** Whether somebody else has just changed the row with this id. */
	isFresh(id: string): boolean {
		return this.#fresh.has(id);
	}

	/** Marks a row as fresh for some seconds. */
	touch(id: string): void {
		this.#fresh.add(id);
		setTimeout(() => this.#fresh.delete(id), freshness);
	}

	/** Puts a snapshot that was loaded again in place of the present one; events that came meanwhile stay applied. */
	replace(snapshot: Snapshot): void {
		this.#current = snapshot;
		this.#advance(false);
	}

	/** Adds to the snapshot what was asked for afterwards. */
	extend(change: (snapshot: Snapshot) => Snapshot): void {
		this.#current = change(this.#current);
	}

	hears(stream: Stream): boolean {
		return isSameStream(this.#stream, stream);
	}

	/** Takes an event in, whenever it comes: late, twice or too early. */
	take(event: LiveEvent): void {
		if (event.seq <= this.#current.seq) return;
		this.#known.set(event.seq, event);
		this.#advance(true);
		if (this.#known.has(event.seq) && event.seq > this.#current.seq) this.catchUp();
	}

	#advance(isNews: boolean): void {
		for (let event; (event = this.#known.get(this.#current.seq + 1));) {
			this.#current = this.#apply(this.#current, event);
			if (isNews) this.#onEvent(event);
		}
		for (const seq of this.#known.keys()) if (seq <= this.#current.seq - memory) this.#known.delete(seq);
	}

	/** Asks for everything after the last applied number. Several wishes at once become one question. */
	catchUp(): void {
		if (this.#asking) {
			this.#askAgain = true;
			return;
		}
		this.#asking = true;
		this.#since(this.#current.seq)
			.then(({ events }) => {
				if (!events) return this.#reload();
				for (const event of events) this.#known.set(event.seq, event);
				this.#advance(true);
			}, this.#reload)
			.finally(() => {
				this.#asking = false;
				if (!this.#askAgain) return;
				this.#askAgain = false;
				this.catchUp();
			});
	}
}
