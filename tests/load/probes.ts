/** How long work takes, and how much longer what others do meanwhile. In milliseconds. */

const targets = { work: 400, wait: 100 };

export type Work = () => Promise<unknown>;
/** What other people do meanwhile, and how long it takes when nothing else is going on. */
export interface Probe {
	name: string;
	work: Work;
	atRest: number;
}

export const middleOf = (times: number[]) =>
	times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
async function time(work: Work): Promise<number> {
	const began = performance.now();
	await work();
	return performance.now() - began;
}

/** Does one after the other until it is over; how long each of them took. */
export async function timeAll(work: Work, isOver: () => boolean): Promise<number[]> {
	const times: number[] = [];
	while (!isOver()) times.push(await time(work));
	return times;
}

export interface Row {
	name: string;
	times: number[];
	/** How much longer than at rest the slowest of each probe took, in the order of the probes. */
	waits: number[];
	/** In milliseconds; null where nobody waits for the work itself. */
	target: number | null;
}
export const rowOf = (name: string, target: number | null = targets.work): Row => ({
	name,
	times: [],
	waits: [],
	target
});

/** Does it once more, with the probes around it. */
export async function measure(row: Row, work: Work, probes: Probe[]) {
	let isOver = false;
	const probing = Promise.all(probes.map((probe) => timeAll(probe.work, () => isOver)));
	try {
		row.times.push(await time(work));
	} finally {
		isOver = true;
		await probing;
	}
	for (const [index, times] of (await probing).entries()) {
		const wait = Math.max(...times) - (probes[index]?.atRest ?? 0);
		row.waits[index] = Math.max(row.waits[index] ?? 0, wait);
	}
}

export function printCells(name: string, cells: string[], rest = '') {
	console.log(`${name.padEnd(46)}${cells.map((cell) => cell.padStart(18)).join('')}  ${rest}`.trimEnd());
}
export function printRow({ name, times, waits, target }: Row) {
	const missed = [
		...(target !== null && middleOf(times) > target ? [`more than ${target} ms`] : []),
		...(Math.max(...waits) > targets.wait ? [`others wait more than ${targets.wait} ms`] : [])
	];
	const cells = [middleOf(times), Math.max(...times), ...waits].map((ms) => String(Math.round(ms)));
	printCells(name, cells, missed.join(', '));
}
