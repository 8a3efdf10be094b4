import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { notify } from '../database/announcing.ts';
import { encodeSignal, type Signal } from '../news/publish.ts';

/**
 * Whether what is committed reaches this process. A connection that listens can be gone without a word, so the process
 * sends itself a pulse on the way that all news take: through the database and back.
 */
const pulseEvery = 1000;
/** So old may the youngest pulse be that has come back, counted from when it was sent; in milliseconds. */
const lateAfter = 2000;
const lookEvery = 200;
/** A pulse that is stuck in a dead connection doesn't keep back the next ones for longer. */
const stuckAfter = 5000;

/** So many pulses were sent and none has ever come back: it is not that the machine is busy. */
const deafAfter = 10;
/** What is wrong where statements are answered and LISTEN never is. */
const deafWords =
	'notifications don’t arrive from the database, so pages are not live: DATABASE_URL has to name PostgreSQL itself, or a pooler that keeps one connection to a session';

export interface Heartbeat {
	/** Whether everything that was committed until two seconds ago has been heard. */
	isCurrent(): boolean;
	/** Takes in a pulse that came back. Those of other processes say nothing about this one. */
	hear(pulse: Extract<Signal, { kind: 'pulse' }>): void;
	stop(): void;
}

/** Begins when listening has begun; `onChange` is told whenever the news stay away and when they are back. */
export function startHeartbeat(
	{ db, source }: Database,
	processId: string,
	log: Logger,
	onChange: (isCurrent: boolean) => void
): Heartbeat {
	// The embedded database is in this process: nothing lies between.
	if ('pglite' in source) return { isCurrent: () => true, hear: () => {}, stop: () => {} };

	let heard = performance.now();
	let wasCurrent = true;
	let sentLast: number | null = null;
	let failure: unknown;
	/** Pulses on the way out, as long as none has come back. */
	let unheard = 0;
	const isCurrent = () => performance.now() - heard < lateAfter;

	async function send(): Promise<void> {
		const at = performance.now();
		if (sentLast !== null && at - sentLast < stuckAfter) return;
		sentLast = at;
		try {
			await notify(db, [encodeSignal({ kind: 'pulse', processId, at })]);
			unheard += 1;
			if (unheard === deafAfter) log.error({}, deafWords);
		} catch (error) {
			failure = error;
		}
		if (sentLast === at) sentLast = null;
	}

	function look(): void {
		if (isCurrent() === wasCurrent) return;
		wasCurrent = !wasCurrent;
		if (wasCurrent) log.info('news come in again');
		else log.warn({ err: failure }, 'no news come in from the database: pages say that they are not live');
		failure = undefined;
		onChange(wasCurrent);
	}

	const timers = [setInterval(() => void send(), pulseEvery), setInterval(look, lookEvery)];
	void send();
	return {
		isCurrent,
		hear({ processId: from, at }) {
			if (from !== processId) return;
			unheard = -Infinity;
			heard = Math.max(heard, at);
			look();
		},
		stop() {
			for (const timer of timers) clearInterval(timer);
		}
	};
}
