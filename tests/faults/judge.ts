import { isDeepStrictEqual } from 'node:util';
import type { Page, Told } from './page.ts';

/** Whether what pages have seen is what was committed: nothing lost, doubled or out of order. Returns what is wrong. */

/** What was committed in one organization, in order. */
export function judgeCommitted(committed: readonly Told[], answered: ReadonlySet<string>): string[] {
	const faults: string[] = [];
	const names = new Map<string, number>();
	for (const [index, { seq, name, payload }] of committed.entries()) {
		if (index > 0 && seq !== (committed[index - 1]?.seq ?? 0) + 1) faults.push(`number ${seq} follows a gap`);
		const { application } = payload as { application?: { name: string } };
		if (name === 'application.created' && application)
			names.set(application.name, (names.get(application.name) ?? 0) + 1);
	}
	for (const name of answered) {
		const times = names.get(name) ?? 0;
		if (times !== 1) faults.push(`what was answered stands there ${times} times: ${name}`);
	}
	return faults;
}

export function judgePage(page: Page, committed: ReadonlyMap<number, Told>): string[] {
	const faults: string[] = [];
	for (const { after, told } of page.stretches) {
		for (const [index, event] of told.entries()) {
			if (event.seq !== after + index + 1)
				faults.push(`applied ${event.seq} in place of ${after + index + 1}`);
			const one = committed.get(event.seq);
			if (!one) faults.push(`was told of ${event.seq}, which was never committed`);
			else if (one.name !== event.name || !isDeepStrictEqual(one.payload, event.payload))
				faults.push(`was told something else of ${event.seq}`);
		}
	}
	for (const { after, seqs } of page.connections) {
		if (after === null) continue;
		let last: number | null = after;
		let highest = after;
		for (const seq of seqs) {
			// It was said that something is missing: what follows may begin anywhere, but later.
			if (seq === null) last = null;
			else if (seq > after) {
				if (seq <= highest) faults.push(`heard ${seq} after ${highest} on one connection`);
				else if (last !== null && seq !== last + 1)
					faults.push(`heard ${seq} after ${last} without a word of it`);
				highest = Math.max(highest, seq);
				last = seq;
			}
		}
	}
	return faults;
}
