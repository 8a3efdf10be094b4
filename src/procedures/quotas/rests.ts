import { randomUUID } from 'node:crypto';
import type { Db } from '../../database/database.ts';
import { giveBack, type Rest } from './shares.ts';

/** So much waits to be given back at most, while the database is away, and goes in one statement. */
const [restsAtMost, restsAtOnce] = [100_000, 10_000];

/** What a process has taken of months and does not spend, until it is given back. */
export function createRests(db: Db) {
	const waiting = new Map<string, Rest>();
	/** What was sent and not answered, which goes again as it is. */
	let sent: { key: string; rests: Rest[] } | null = null;

	function take(): typeof sent {
		const taken = [...waiting].slice(0, restsAtOnce);
		for (const [key] of taken) waiting.delete(key);
		return taken.length === 0 ? null : { key: randomUUID(), rests: taken.map(([, rest]) => rest) };
	}

	return {
		add({ subject, endsAt, left }: Rest): void {
			const key = `${subject} ${endsAt}`;
			// More than that is lost to the month.
			if (waiting.size >= restsAtMost && !waiting.has(key)) return;
			waiting.set(key, { subject, endsAt, left: left + (waiting.get(key)?.left ?? 0) });
		},
		/** @throws {Error} when the database doesn't take it; then the next call begins with the same. */
		async send(): Promise<void> {
			while ((sent ??= take())) {
				await giveBack(db, sent.key, sent.rests);
				sent = null;
			}
		},
		/** Whether something was sent whose answer is missing. */
		isUncertain: () => sent !== null
	};
}
