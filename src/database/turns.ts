import { queueSeconds } from '../metrics.ts';

/**
 * Who waits for whom, before a connection to the database is taken. Calls that would wait for the same row wait here
 * instead, so that one busy organization, person or network never holds the connections that everybody shares.
 */

/** How long a call waits for its turn, in milliseconds, and how many may wait for the same. */
const patience = 10_000;
const waitingAtMost = 500;

/** The call could not be carried out now, and changed nothing; it can be made again soon. */
export class Busy extends Error {
	override readonly name = 'Busy';
}

interface Queue {
	active: number;
	/** Each begins one call. */
	waiting: Set<() => void>;
}

const queues = new Map<string, Queue>();

/** Whether a call of this key would have to wait. */
export const isTaken = (key: string) => queues.has(key);

/**
 * Runs calls of the same key in the order in which they came, `atOnce` of them at a time.
 * @throws {Busy} when its turn doesn't come in time, or too many wait already.
 */
export async function inTurn<Result>(
	key: string,
	atOnce: number,
	run: () => Promise<Result>
): Promise<Result> {
	const queue = queues.get(key) ?? { active: 0, waiting: new Set() };
	queues.set(key, queue);
	const began = performance.now();
	if (queue.active >= atOnce) await wait(queue).finally(() => noteWait(began));
	else {
		queue.active += 1;
		noteWait(began);
	}
	try {
		return await run();
	} finally {
		// The place goes on to the one who has waited longest.
		const [next] = queue.waiting;
		if (next) next();
		else {
			queue.active -= 1;
			if (queue.active === 0) queues.delete(key);
		}
	}
}

const noteWait = (began: number) => queueSeconds.observe((performance.now() - began) / 1000);

function wait(queue: Queue): Promise<void> {
	if (queue.waiting.size >= waitingAtMost) throw new Busy('too many calls wait');
	return new Promise((resolve, reject) => {
		const begin = () => {
			clearTimeout(timer);
			queue.waiting.delete(begin);
			resolve();
		};
		const timer = setTimeout(() => {
			queue.waiting.delete(begin);
			reject(new Busy('waited too long'));
		}, patience);
		queue.waiting.add(begin);
	});
}
