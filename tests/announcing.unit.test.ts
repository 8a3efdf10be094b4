import { expect, test } from 'vitest';
import { createAnnouncer } from '../src/database/announcing.ts';

/** A database that is away until it is back. */
function createWay() {
	const sent: string[] = [];
	let isAway = true;
	let attempts = 0;
	return {
		sent,
		get attempts() {
			return attempts;
		},
		mend: () => void (isAway = false),
		async send(texts: readonly string[]) {
			attempts += 1;
			if (isAway) throw new Error('away');
			sent.push(...texts);
		}
	};
}

test('what could not be announced is announced later, in its order', async () => {
	const way = createWay();
	const announcer = createAnnouncer(way.send);
	announcer.announce(['first', 'second']);
	announcer.announce(['third']);
	await expect.poll(() => way.attempts).toBeGreaterThan(1);
	way.mend();
	await expect.poll(() => way.sent).toEqual(['first', 'second', 'third']);
});

test('of more than can wait every process is told that something is missing, and the rest goes on', async () => {
	const way = createWay();
	const announcer = createAnnouncer(way.send);
	announcer.announce(Array.from({ length: 10_001 }, (_, step) => `news ${step}`));
	announcer.announce(['after']);
	way.mend();
	await announcer.stop();
	expect(way.sent).toEqual(['{"kind":"missed"}', 'after']);
});

test('what goes out while something is sent goes together', async () => {
	const batches: string[][] = [];
	const announcer = createAnnouncer(async (texts) => {
		await new Promise(setImmediate);
		batches.push([...texts]);
	});
	announcer.announce(['first']);
	announcer.announce(['second']);
	announcer.announce(['third']);
	await announcer.stop();
	expect(batches).toEqual([['first'], ['second', 'third']]);
});
