import type { DocumentFormat } from '#lib/documents.ts';
import { inTurn } from '../database/turns.ts';
import { boundDocument } from './reading.ts';

/** What the viewer is given of the versions that were asked for last: a version never changes. */

/** Of those that are given as they are. */
const [asTheyAre, maxAsTheyAre] = [new Set<string>(), 10_000];
/** Of all others, in characters. */
const [bound, maxBound] = [new Map<string, string>(), 50_000_000];

function keep(id: string, text: string | null): void {
	if (text === null) {
		if (asTheyAre.size >= maxAsTheyAre) asTheyAre.clear();
		asTheyAre.add(id);
		return;
	}
	bound.set(id, text);
	let kept = [...bound.values()].reduce((sum, one) => sum + one.length, 0);
	for (const [one, { length }] of bound) {
		if (kept <= maxBound || one === id) break;
		bound.delete(one);
		kept -= length;
	}
}

/**
 * JSON in place of a version whose references stand for too much; null where the viewer is given the version itself.
 * @throws {Busy} while others are read.
 */
export async function findShown(
	{ id, format }: { id: string; format: DocumentFormat },
	read: () => Promise<string>
): Promise<string | null> {
	const known = () => (asTheyAre.has(id) ? null : bound.get(id));
	const before = known();
	if (before !== undefined) return before;
	return inTurn('shown documents', 1, async () => {
		const meanwhile = known();
		if (meanwhile !== undefined) return meanwhile;
		const text = await boundDocument(await read(), format);
		keep(id, text);
		return text;
	});
}
