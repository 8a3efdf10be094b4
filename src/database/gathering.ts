import type { Db } from './database.ts';

/** So long one waits to be asked for together with others, in milliseconds: a connection may have gone silent. */
const patience = 100;
/** So many are asked for in one statement at most. */
const keysAtMost = 500;

interface Batch<Answer> {
	keys: Set<string>;
	answers: PromiseWithResolvers<ReadonlyMap<string, Answer>>;
	timer?: NodeJS.Timeout;
}

/**
 * A question that many ask at once, each of another key. Whoever comes while a statement is under way is asked for in the
 * next one, together with all others who do: never by one that was sent before, so that an answer is as new as if it had been
 * asked for alone.
 * @param ask is given each key once.
 */
export function gather<Answer>(
	ask: (db: Db, keys: string[]) => Promise<ReadonlyMap<string, Answer>>
): (db: Db, key: string) => Promise<Answer | undefined> {
	const places = new WeakMap<Db, { underWay: number; next: Batch<Answer> | null }>();

	return async (db, key) => {
		const place = places.get(db) ?? { underWay: 0, next: null };
		places.set(db, place);

		function send(): void {
			const { next } = place;
			if (!next) return;
			place.next = null;
			clearTimeout(next.timer);
			place.underWay += 1;
			const over = () => {
				place.underWay -= 1;
				send();
			};
			ask(db, [...next.keys])
				.then(next.answers.resolve, next.answers.reject)
				.finally(over);
		}

		const batch = (place.next ??= { keys: new Set(), answers: Promise.withResolvers() });
		batch.keys.add(key);
		if (place.underWay === 0 || batch.keys.size >= keysAtMost) send();
		else batch.timer ??= setTimeout(send, patience);
		return (await batch.answers.promise).get(key);
	};
}

/** Of what is asked about one key: the answer that is under way, and the next one, for whoever has come since. */
interface Lane<Answer> {
	current: Promise<Answer>;
	next: Promise<Answer> | null;
}

/**
 * A question that many ask at once about the same thing, such as all who look at one organization: they share an answer, and never
 * one that was begun before they asked. Those about different things don't wait for each other.
 */
export function share<Answer>(
	ask: (db: Db, key: string) => Promise<Answer>
): (db: Db, key: string) => Promise<Answer> {
	const places = new WeakMap<Db, Map<string, Lane<Answer>>>();

	return (db, key) => {
		const lanes = places.get(db) ?? new Map<string, Lane<Answer>>();
		places.set(db, lanes);

		function begin(): Promise<Answer> {
			const lane: Lane<Answer> = { current: ask(db, key), next: null };
			lanes.set(key, lane);
			const over = () => {
				if (lanes.get(key) === lane && !lane.next) lanes.delete(key);
			};
			lane.current.then(over, over);
			return lane.current;
		}

		const lane = lanes.get(key);
		if (!lane) return begin();
		return (lane.next ??= isOver(lane.current).then(begin));
	};
}

/** Resolves when the answer is there, or has failed, or is waited for no longer: its connection may have gone silent. */
async function isOver(answer: Promise<unknown>): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, patience);
	answer.then(
		() => resolve(),
		() => resolve()
	);
	await promise;
	clearTimeout(timer);
}
