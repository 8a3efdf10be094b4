import { Worker } from 'node:worker_threads';
import type { MjmlAnswer, Made, Task } from './mjml-worker.ts';

/**
 * MJML, in a thread of its own: its 600 modules take the processor for a second before the first message is made, and the
 * process answers everybody else meanwhile.
 */

/** With nothing to do for so long, in milliseconds, the thread goes, and some 100 MB with it. */
const idleAfter = 60_000;
/** Stuck in one document for so long, it would keep all others waiting: it ends with them, and they are tried again. */
const patience = 120_000;

let worker: Worker | null = null;
let idle: NodeJS.Timeout | undefined;
let tasks = 0;
const waiting = new Map<
	number,
	{ limit: NodeJS.Timeout; resolve: (made: Made) => void; reject: (error: Error) => void }
>();

function start(): Worker {
	const started = new Worker(new URL('./mjml-worker.ts', import.meta.url), { execArgv: [] });
	const end = (error: Error) => {
		if (worker === started) worker = null;
		for (const { limit, reject } of waiting.values()) {
			clearTimeout(limit);
			reject(error);
		}
		waiting.clear();
	};
	started.on('message', (answer: MjmlAnswer) => {
		const task = waiting.get(answer.id);
		waiting.delete(answer.id);
		clearTimeout(task?.limit);
		if ('failure' in answer) task?.reject(new Error(answer.failure));
		else task?.resolve(answer);
		if (waiting.size > 0) return;
		// Nobody waits: it keeps no process from ending.
		started.unref();
		idle = setTimeout(() => {
			worker = null;
			void started.terminate();
		}, idleAfter).unref();
	});
	started.on('error', end);
	started.on('exit', () => worker === started && end(new Error('The thread of MJML has ended.')));
	return started;
}

/** HTML of an MJML document, and what is wrong with it by line, counted from 1. @throws {Error} when it can't be read. */
export function makeHtml(source: string): Promise<Made> {
	clearTimeout(idle);
	const current = (worker ??= start());
	current.ref();
	const id = ++tasks;
	const { promise, resolve, reject } = Promise.withResolvers<Made>();
	const limit = setTimeout(() => void current.terminate(), patience);
	waiting.set(id, { limit, resolve, reject });
	current.postMessage({ id, source } satisfies Task);
	return promise;
}
