import { kill } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../memory.ts';
import type { Crowd } from './crowd.ts';
import { now, quantile } from './moment.ts';
import type { Watcher } from './people.ts';
import type { Side } from './sides.ts';

/** One measurement each, the same on both sides. Times in milliseconds. */

export interface Parts {
	side: Side;
	/** The dashboards that are many, and a few others, who must not notice. */
	crowd: Crowd;
	others: Crowd;
	/** How long each step of a ladder lasts. */
	seconds: number;
}

let marks = 0;
const nextMark = () => `mark-${(marks += 1)}`;

/** Memory once what nobody holds any more is collected, in kilobytes. */
async function restingMemory({ pid }: Side): Promise<number> {
	await sleep(2000);
	kill(pid, 'SIGUSR2');
	await sleep(1000);
	return memoryOf(pid) * 1024;
}

/** Has a few come and go first, so that what a process loads only once is there. */
async function openAtRest({ side, crowd }: Parts, watchers: Watcher[]): Promise<number> {
	const dashboards = watchers.map(side.dashboardOf);
	await crowd.ask({ name: 'open', dashboards: dashboards.slice(0, 50) });
	await crowd.ask({ name: 'close' });
	const before = await restingMemory(side);
	await crowd.ask({ name: 'open', dashboards, atOnce: 50 });
	return before;
}

/** COMMIT → the first and the last of the dashboards of one company, and what one of them costs at rest. */
export async function measureDelay(parts: Parts, watchers: Watcher[], commits: number) {
	const { side, crowd } = parts;
	await side.restart();
	const before = await openAtRest(parts, watchers);
	const kilobytes = ((await restingMemory(side)) - before) / watchers.length;
	const [first, last]: number[][] = [[], []];
	for (let round = -5; round < commits; round += 1) {
		const mark = nextMark();
		const waiting = crowd.ask({ name: 'await', mark, times: watchers.length, patience: 30_000 });
		const committed = await side.write(mark, watchers[0]?.organizationId ?? '');
		if (!(await waiting)) throw new Error(`${side.name}: not every dashboard has heard of an event.`);
		const [heard] = await crowd.ask({ name: 'heard', marks: [mark] });
		// The first ones only warm up.
		if (round < 0 || !heard) continue;
		first?.push(heard.first - committed);
		last?.push(heard.last - committed);
	}
	await crowd.ask({ name: 'close' });
	return { first: quantile(first ?? [], 0.5), last: quantile(last ?? [], 0.5), kilobytes };
}

/** Of 100 events 99 have to be with their last dashboard within so many milliseconds, for a rate to count as held. */
const heldWithin = 250;

export interface Rung {
	rate: number;
	/** Commits a second that came about. */
	committed: number;
	/** COMMIT → last, of 99 in 100. */
	p99: number;
	isHeld: boolean;
}

/** Events at rising rates, in turns over the companies, until the dashboards no longer keep up. */
export async function climb(parts: Parts, watchers: Watcher[], rates: readonly number[]): Promise<Rung[]> {
	const { side, crowd } = parts;
	await side.restart();
	await openAtRest(parts, watchers);
	const companies = [...new Set(watchers.map(({ organizationId }) => organizationId))];
	const each = watchers.length / companies.length;
	const rungs: Rung[] = [];
	// Once to warm up.
	await keep(parts, companies, each, rates[0] ?? 1);
	for (const rate of rates) {
		let rung = await keep(parts, companies, each, rate);
		// Perhaps the machine had something else to do for a moment.
		if (!rung.isHeld) rung = await keep(parts, companies, each, rate);
		rungs.push(rung);
		if (!rung.isHeld) break;
	}
	await crowd.ask({ name: 'close' });
	return rungs;
}

async function keep(
	{ side, crowd, seconds }: Parts,
	companies: string[],
	each: number,
	rate: number
): Promise<Rung> {
	const count = Math.max(5, Math.round(rate * seconds));
	const began = now();
	const writes: Promise<{ mark: string; committed: number }>[] = [];
	for (let n = 0; n < count; n += 1) {
		const wait = began + (n * 1000) / rate - now();
		if (wait > 1) await sleep(wait);
		const mark = nextMark();
		const write = side.write(mark, companies[n % companies.length] ?? '');
		writes.push(write.then((committed) => ({ mark, committed })));
	}
	const written = await Promise.all(writes);
	const lastCommit = Math.max(...written.map(({ committed }) => committed));
	const patience = Math.max(0, lastCommit + 5000 - now());
	await Promise.all(
		written
			.slice(-companies.length)
			.map(({ mark }) => crowd.ask({ name: 'await', mark, times: each, patience }))
	);
	const all = await crowd.ask({ name: 'heard', marks: written.map(({ mark }) => mark) });
	const delays = written.map(({ committed }, n) => {
		const heard = all[n];
		return heard && heard.times >= each ? heard.last - committed : Infinity;
	});
	const p99 = quantile(delays, 0.99);
	const committed = count / ((lastCommit - began) / 1000);
	return { rate, committed, p99, isHeld: p99 <= heldWithin && committed >= rate * 0.95 };
}

/**
 * All of a company at once, on a process that has just started; meanwhile others' news, and the ends of others' sessions.
 */
export async function measureStorm(parts: Parts, watchers: Watcher[], bystanders: Watcher[]) {
	const { side, crowd, others } = parts;
	await side.restart();
	const before = await openAtRest(parts, watchers.slice(0, 50));
	await crowd.ask({ name: 'close' });
	await others.ask({ name: 'open', dashboards: bystanders.map(side.dashboardOf), atOnce: 4 });
	let isOver = false;
	const half = Math.floor(bystanders.length / 2);
	const news = tellUntil(parts, bystanders.slice(0, half), () => isOver);
	const ends = endUntil(parts, bystanders.slice(half), () => isOver);
	const dashboards = watchers.map(side.dashboardOf);
	const { told, current, again } = await crowd.ask({ name: 'open', dashboards, asks: true });
	isOver = true;
	const [newsDelays, endDelays] = await Promise.all([news, ends]);
	const kilobytes = ((await restingMemory(side)) - before) / watchers.length;
	await Promise.all([crowd.ask({ name: 'close' }), others.ask({ name: 'close' })]);
	return {
		told,
		current,
		again,
		newsP99: quantile(newsDelays, 0.99),
		news: newsDelays.length,
		endLast: endDelays.length > 0 ? Math.max(...endDelays) : null,
		ends: endDelays.length,
		kilobytes
	};
}

/** One of them after the other hears an event, every 20 ms until it is over; the delays. */
async function tellUntil({ side, others }: Parts, watchers: Watcher[], isOver: () => boolean) {
	const told: { mark: string; committed: number }[] = [];
	for (let n = 0; n < 20 || !isOver(); n += 1) {
		const mark = nextMark();
		told.push({
			mark,
			committed: await side.write(mark, watchers[n % watchers.length]?.organizationId ?? '')
		});
		await sleep(20);
	}
	const last = told.at(-1)?.mark ?? '';
	await others.ask({ name: 'await', mark: last, times: 1, patience: 60_000 });
	const heard = await others.ask({ name: 'heard', marks: told.map(({ mark }) => mark) });
	return told.map(({ committed }, n) => (heard[n]?.first ?? Infinity) - committed);
}

/** Their sessions end, one every 200 ms until it is over; after how long each of them was told. */
async function endUntil({ side, others }: Parts, watchers: Watcher[], isOver: () => boolean) {
	const delays: number[] = [];
	if (!side.end) return delays;
	for (const watcher of watchers) {
		if (isOver() && delays.length > 0) break;
		const ended = await side.end(watcher);
		const mark = `ended ${watcher.cookie}`;
		await others.ask({ name: 'await', mark, times: 1, patience: 60_000 });
		const [heard] = await others.ask({ name: 'heard', marks: [mark] });
		delays.push((heard?.first ?? Infinity) - ended);
		await sleep(200);
	}
	return delays;
}
