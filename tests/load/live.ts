import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startPostgres } from '../setup/postgres.ts';
import { manners, measureCommits, type Manner } from './live/commits.ts';
import { startCrowd } from './live/crowd.ts';
import { climb, measureDelay, measureStorm, type Parts, type Rung } from './live/measures.ts';
import { startFloorSide, startPorticoSide, type Side } from './live/sides.ts';

/**
 * `npm run bench:live`: how news reach open dashboards, beside bare Socket.IO in the same run (tests/load/live/floor.ts), on
 * a PostgreSQL that waits for the disk. `--people 100` is a small form, `--seconds 2` shortens the steps of the ladders,
 * `--only storm,commits` leaves the rest out, `--json file` writes what was measured.
 */

const { values: given } = parseArgs({
	options: {
		people: { type: 'string', default: '5000' },
		seconds: { type: 'string', default: '4' },
		only: { type: 'string', default: 'delay,deliveries,storm,companies,commits' },
		json: { type: 'string' }
	}
});
const people = Number(given.people);
const seconds = Number(given.seconds);
const isWanted = (part: string) => given.only.split(',').includes(part);
const sizes = [...new Set([100, 1000, 2000, 5000].map((size) => Math.min(size, people)))];
const crowdSize = Math.min(1000, people);
const writers = [1, 16, 64];
const ladders = {
	deliveries: [5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200],
	companies: [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1400, 1600, 2000]
};
/** In milliseconds, of the times that have one of their own. */
const targets = { current: 15_000, news: 250, end: 1000 };

interface Line {
	name: string;
	floor: number | null;
	portico: number | null;
	/** What the ratio of both is to be at most, or at least where more is better. */
	ratioAtMost?: number;
	ratioAtLeast?: number;
	/** What Portico's own figure is to be at most. */
	atMost?: number;
}

const lines: Line[] = [];
const details: Record<string, unknown> = {};

const format = (value: number | null) =>
	value === null ? '' : value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });

function isMissed({
	floor,
	portico,
	ratioAtMost = Infinity,
	ratioAtLeast = 0,
	atMost = Infinity
}: Line): boolean {
	if (portico === null) return false;
	const ratio = floor === null || floor <= 1 ? null : portico / floor;
	return portico > atMost || (ratio !== null && (ratio > ratioAtMost || ratio < ratioAtLeast));
}

function targetOf({ ratioAtMost, ratioAtLeast, atMost }: Line): string {
	if (atMost !== undefined) return `≤ ${format(atMost)}`;
	if (ratioAtMost !== undefined) return `≤ ${ratioAtMost} ×`;
	return ratioAtLeast === undefined ? '' : `≥ ${ratioAtLeast} ×`;
}

function print(line: Line): void {
	lines.push(line);
	const { name, floor, portico } = line;
	// NOTIFY may be heard before the commit is answered: a floor below one says nothing.
	const ratio = floor && portico && floor > 1 ? (portico / floor).toFixed(2) : '';
	const cells = [format(floor), format(portico), ratio, targetOf(line)];
	const missed = isMissed(line) ? '  missed' : '';
	console.log(`${name.padEnd(64)}${cells.map((cell) => cell.padStart(12)).join('')}${missed}`);
}

/** Measures on one side after the other. */
async function onBoth<Result>(
	measure: (side: Side) => Promise<Result>
): Promise<{ floor: Result; portico: Result }> {
	return { floor: await measure(floor), portico: await measure(portico) };
}

const count = (many: number) => many.toLocaleString('en');

async function measureDelays(parts: (side: Side) => Parts) {
	for (const size of sizes) {
		const found = await onBoth(async (side) => {
			const watchers = await side.settle(`delay${size}`, { companies: 1, people: size });
			return measureDelay(parts(side), watchers, 30);
		});
		details[`delay ${size}`] = found;
		const of = (what: 'first' | 'last' | 'kilobytes') => ({
			floor: found.floor[what],
			portico: found.portico[what]
		});
		print({ name: `COMMIT → first of ${count(size)}, ms`, ...of('first') });
		const hasTarget = size === 1000 || size === 5000;
		print({
			name: `COMMIT → last of ${count(size)}, ms`,
			...of('last'),
			...(hasTarget && { ratioAtMost: 1.25 })
		});
		if (size < 1000 && size !== people) continue;
		const name = `memory of a dashboard at rest, of ${count(size)}, KB`;
		print({ name, ...of('kilobytes'), ratioAtMost: 1.3 });
	}
}

const highest = (rungs: Rung[]) => rungs.findLast(({ isHeld }) => isHeld)?.rate ?? 0;

async function measureLadders(parts: (side: Side) => Parts) {
	if (isWanted('deliveries')) {
		const found = await onBoth(async (side) => {
			const watchers = await side.settle('deliveries', { companies: 1, people: crowdSize });
			return climb(parts(side), watchers, ladders.deliveries);
		});
		details.deliveries = found;
		const each = (rungs: Rung[]) => highest(rungs) * crowdSize;
		print({
			name: `deliveries a second to ${count(crowdSize)} of one company`,
			floor: each(found.floor),
			portico: each(found.portico),
			ratioAtLeast: 0.8
		});
	}
	if (!isWanted('companies')) return;
	const found = await onBoth(async (side) => {
		const watchers = await side.settle('companies', { companies: crowdSize, people: crowdSize });
		return climb(parts(side), watchers, ladders.companies);
	});
	details.companies = found;
	print({
		name: `events a second in ${count(crowdSize)} companies of one watcher`,
		floor: highest(found.floor),
		portico: highest(found.portico),
		ratioAtLeast: 0.8
	});
}

async function measureStorms(parts: (side: Side) => Parts) {
	for (const size of sizes.slice(sizes.length > 1 ? 1 : 0)) {
		const found = await onBoth(async (side) => {
			const watchers = await side.settle(`storm${size}`, { companies: 1, people: size });
			const bystanders = await side.settle(`others${size}`, { companies: 60, people: 60 });
			return measureStorm(parts(side), watchers, bystanders);
		});
		details[`storm ${size}`] = found;
		const of = (what: 'told' | 'newsP99' | 'kilobytes') => ({
			floor: found.floor[what],
			portico: found.portico[what]
		});
		const back = `${count(size)} back at once`;
		const { current, endLast } = found.portico;
		print({ name: `${back}: all connected and told so, ms`, ...of('told') });
		print({
			name: `… and all have what they missed, ms`,
			floor: null,
			portico: current,
			atMost: targets.current
		});
		print({ name: `… others’ news meanwhile, p99, ms`, ...of('newsP99'), atMost: targets.news });
		print({ name: `… the slowest end of a session, ms`, floor: null, portico: endLast, atMost: targets.end });
		print({ name: `… memory of a dashboard afterwards, KB`, ...of('kilobytes'), ratioAtMost: 1.3 });
	}
}

const words: Record<Manner, string> = {
	none: 'not announced',
	inside: 'NOTIFY in the transaction',
	after: 'announced after it'
};

async function measureAllCommits() {
	for (const many of writers) {
		const found = await measureCommits(many, seconds);
		details[`commits ${many}`] = found;
		for (const manner of manners.filter((one) => one !== 'none')) {
			const name = `commits a second, ${many} writer${many === 1 ? '' : 's'}, ${words[manner]} (floor: ${words.none})`;
			print({ name, floor: found.none, portico: found[manner] });
		}
	}
}

const began = performance.now();
const postgres = process.env.TEST_DATABASE_URL ? null : await startPostgres({ isDurable: true });
if (postgres) process.env.TEST_DATABASE_URL = postgres.url;
const [floor, portico] = [await startFloorSide(), await startPorticoSide()];
const [crowd, others] = [startCrowd(), startCrowd()];
const partsOf = (side: Side): Parts => ({ side, crowd, others, seconds });
const machine = `${cpus()[0]?.model ?? 'an unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`;
console.log(`${machine}; floor: bare Socket.IO of the same run\n`);
console.log(
	`${''.padEnd(64)}${['floor', 'Portico', 'ratio', 'target'].map((one) => one.padStart(12)).join('')}`
);
try {
	if (isWanted('delay')) await measureDelays(partsOf);
	await measureLadders(partsOf);
	if (isWanted('storm')) await measureStorms(partsOf);
	if (isWanted('commits')) await measureAllCommits();
	if (given.json) {
		const result = { at: new Date().toISOString(), machine, people, seconds, lines, details };
		await writeFile(given.json, `${JSON.stringify(result, null, '\t')}\n`);
	}
} finally {
	for (const one of [crowd, others]) one.end();
	await floor.stop();
	await portico.stop();
	await postgres?.stop();
}
console.log(`\nAll in all ${((performance.now() - began) / 1000).toFixed(0)} s.`);
