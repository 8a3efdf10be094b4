import { gaugeMemory } from '../metrics.ts';
import { addKeeper, hearsChanges, type Change } from './changes.ts';

/** What was read, and what ends it. */
export interface Kept<Value> {
	value: Value;
	/** Such as `organization:<id>`: whatever happens there ends it. */
	tags: readonly string[];
	/** For how many milliseconds it may be used, whatever happens. */
	forMs: number;
	/** In which of the bounds it counts: what strangers can make up never takes the place of what is in use. */
	room: 'found' | 'refused';
}

interface Entry<Value> extends Kept<Value> {
	endsAt: number;
}

export interface Memory<Value> {
	/** What is kept under the key, or else what is read now, which is kept from then on. */
	read(key: string, load: () => Promise<Kept<Value>>): Promise<Value>;
}

/** What a change ends; null where nobody can tell. */
function tagsOf({ name, organizationId, accountId }: Change): string[] | null {
	if (name === undefined) return null;
	const noun = name.split('.', 1)[0] ?? '';
	if (noun === 'account' && accountId === undefined) return null;
	return [
		`noun:${noun}`,
		...(organizationId ? [`organization:${organizationId}`] : []),
		...(accountId ? [`account:${accountId}`] : [])
	];
}

/**
 * Keeps answers in this process until something happens to what they were made of. Used only while changes are heard;
 * what was read before a change is never kept after it, since the change may not be in it: each change counts a
 * generation up, which is compared when something is about to be kept. Its figures are told under the name.
 */
export function createMemory<Value>(
	name: string,
	atMost: Record<Kept<Value>['room'], number>
): Memory<Value> {
	const rooms = { found: new Map<string, Entry<Value>>(), refused: new Map<string, Entry<Value>>() };
	/** Which keys each tag ends. */
	const tagged = new Map<string, Set<string>>();
	let generation = 0;
	let [hits, misses] = [0, 0];
	gaugeMemory(name, () => ({ hits, misses, entries: rooms.found.size + rooms.refused.size }));

	function forget(key: string): void {
		for (const room of Object.values(rooms)) {
			const entry = room.get(key);
			if (!entry) continue;
			room.delete(key);
			for (const tag of entry.tags) {
				const keys = tagged.get(tag);
				keys?.delete(key);
				if (keys?.size === 0) tagged.delete(tag);
			}
		}
	}

	function keep(key: string, kept: Kept<Value>): void {
		forget(key);
		const room = rooms[kept.room];
		// The one that was asked for the longest time ago.
		const [oldest] = room.size >= atMost[kept.room] ? room.keys() : [];
		if (oldest !== undefined) forget(oldest);
		room.set(key, { ...kept, endsAt: performance.now() + kept.forMs });
		for (const tag of kept.tags) {
			const keys = tagged.get(tag) ?? new Set();
			tagged.set(tag, keys.add(key));
		}
	}

	function find(key: string): Entry<Value> | undefined {
		if (!hearsChanges()) return undefined;
		const entry = rooms.found.get(key) ?? rooms.refused.get(key);
		if (!entry) return undefined;
		if (performance.now() >= entry.endsAt) return void forget(key);
		const room = rooms[entry.room];
		// Which of them was asked for last matters only once places get scarce.
		if (room.size > atMost[entry.room] / 2) {
			room.delete(key);
			room.set(key, entry);
		}
		return entry;
	}

	addKeeper({
		end(change) {
			generation += 1;
			const tags = tagsOf(change);
			if (!tags) return this.endAll();
			for (const tag of tags) for (const key of [...(tagged.get(tag) ?? [])]) forget(key);
		},
		endAll() {
			generation += 1;
			for (const room of Object.values(rooms)) room.clear();
			tagged.clear();
		}
	});

	return {
		async read(key, load) {
			const entry = find(key);
			if (entry) {
				hits += 1;
				return entry.value;
			}
			misses += 1;
			const before = generation;
			const kept = await load();
			if (generation === before && kept.forMs > 0 && hearsChanges()) keep(key, kept);
			return kept.value;
		}
	};
}
