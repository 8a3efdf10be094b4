import { setTimeout } from 'node:timers/promises';

/**
 * How many statements a call sends to the database, and how many ways there and back it takes, as the way between the two
 * counts them: see cut.ts.
 */
export type Sent = readonly [statements: number, waits: number];
type Way = { readonly statements: number; readonly waits: number };

/** What a call has set going, such as its e-mail, is over. */
async function isQuiet(way: Way): Promise<void> {
	for (let before = -1; before !== way.statements;) {
		before = way.statements;
		await setTimeout(150);
	}
}

/**
 * The fewest of several times: once a second and now and then the process itself asks something, and what is prepared or
 * kept in memory is not there the first time. No more often than until it is `enough` of them. What each call has to find
 * is made by `prepare`.
 */
export async function countSent(
	way: Way,
	call: () => Promise<unknown>,
	{
		times,
		enough = [-1, -1],
		prepare
	}: { times: number; enough?: Sent; prepare?: (() => Promise<unknown>) | undefined }
): Promise<Sent> {
	let fewest: Sent = [Infinity, Infinity];
	for (let time = 0; time < times && !(fewest[0] <= enough[0] && fewest[1] <= enough[1]); time++) {
		await prepare?.();
		await isQuiet(way);
		const before = [way.statements, way.waits] as const;
		await call();
		fewest = [Math.min(fewest[0], way.statements - before[0]), Math.min(fewest[1], way.waits - before[1])];
	}
	return fewest;
}
