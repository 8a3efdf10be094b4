import { startCut } from '../cut.ts';
import { createDatabase, startServer } from '../harness.ts';
import { countSent, type Sent } from '../statements.ts';
import { listCalls, listPages, type Contestant, type Measured, type RivalScene } from './call-list.ts';
import { openLine, type Line } from './line.ts';
import { middleOf } from './probes.ts';
import { startBetterAuth, startFloor, startKit } from './rivals.ts';
import type { Row } from './rows.ts';
import { rounds, runParts, seconds, withPostgres } from './run.ts';
import { offers, setScene, type Scene } from './scene.ts';

/**
 * `npm run bench:calls [FILE]`: how many of the calls that everybody makes are answered in a second, beside the least that
 * could answer them (floor.ts, duties.ts), beside better-auth where it has the same call, and rendered pages beside a bare
 * page of SvelteKit of as many bytes. On one PostgreSQL, in turns. With FILE, the figures are written there as JSON.
 * BENCH_ONLY takes the calls with these words in their names, beside the floor alone.
 */

const connections = 16;
const only = process.env.BENCH_ONLY;
const members = 100;
/** How often a call is made to count its statements. */
const countedTimes = 4;

/**
 * Answers in a second, with as many calls under way as there are connections, each of another person; and within how many
 * milliseconds 99 of 100 came.
 */
async function shoot({ port, asks, prepare }: Contestant): Promise<{ perSecond: number; p99: number }> {
	await prepare?.();
	const lines: Line[] = [];
	const times: number[] = [];
	const began = performance.now();
	const isOver = () => performance.now() - began > seconds * 1000;
	const call = async (caller: number) => {
		const line = openLine(port);
		lines.push(line);
		for (let turn = 0; !isOver(); turn++) {
			const shot = asks(caller, turn);
			if (!shot) return;
			const sent = performance.now();
			await line.ask(shot);
			times.push(performance.now() - sent);
		}
	};
	await Promise.all(Array.from({ length: connections }, (_, caller) => call(caller)));
	const took = performance.now() - began;
	for (const line of lines) line.end();
	times.sort((one, other) => one - other);
	return { perSecond: (times.length * 1000) / took, p99: times[Math.floor(times.length * 0.99)] ?? 0 };
}

/** What one call sends to the database: counted at a second portal on the same, by the way between the two. */
async function countAll(scene: Scene, measured: Measured[]): Promise<Map<Measured, Sent>> {
	const way = await startCut(scene.url);
	const counts = new Map<Measured, Sent>();
	try {
		const env = { ...scene.env, DATABASE_URL: way.url, ORIGIN: scene.server.origin };
		await using server = await startServer({ database: 'postgres', env });
		const line = openLine(server.port);
		for (const one of measured) {
			let turn = 0;
			const call = async () => {
				const shot = one.portico.asks(0, turn++);
				if (shot) await line.ask(shot);
			};
			counts.set(one, await countSent(way, call, { times: countedTimes }));
		}
		line.end();
	} finally {
		await way.stop();
	}
	return counts;
}

/** In turns, so that what else goes on meets all of them. */
async function compare(measured: Measured, sent: Sent | undefined): Promise<Row> {
	const { name, targets, portico, floor, rival } = measured;
	const contestants = [portico, floor, ...(rival ? [rival] : [])];
	const runs = new Map(contestants.map((one) => [one, [] as { perSecond: number; p99: number }[]]));
	for (let round = -1; round < rounds; round++) {
		for (const [one, of] of runs) {
			const run = await shoot(one);
			// The first round only warms up.
			if (round >= 0) of.push(run);
		}
	}
	const of = (one: Contestant, what: 'perSecond' | 'p99') =>
		middleOf((runs.get(one) ?? []).map((run) => run[what]));
	const [ofFloor, ofRival] = targets;
	return {
		part: `calls, ${connections} connections`,
		name,
		unit: 'a second',
		portico: of(portico, 'perSecond'),
		floor: of(floor, 'perSecond'),
		p99: { portico: of(portico, 'p99'), floor: of(floor, 'p99') },
		...(sent && { statements: sent[0], waits: sent[1] }),
		...(rival && { betterAuth: of(rival, 'perSecond') }),
		targets: [
			{ of: 'floor', least: ofFloor },
			...(rival && ofRival !== undefined ? [{ of: 'betterAuth' as const, least: ofRival }] : [])
		]
	};
}

export async function* measureCalls(): AsyncGenerator<Row> {
	await using ending = new AsyncDisposableStack();
	const scene = await setScene(connections, members);
	ending.defer(scene.end);
	const { port } = scene.server;
	const ports = { floor: port + 1, rival: port + 2, kit: port + 3 };
	const floor = await startFloor({
		PORT: String(ports.floor),
		DATABASE_URL: scene.url,
		...scene.keys
	});
	ending.defer(floor.end);
	let there: RivalScene | null = null;
	if (only === undefined) {
		const rivalDatabase = await createDatabase();
		ending.defer(rivalDatabase.drop);
		const betterAuth = await startBetterAuth({
			DATABASE_URL: rivalDatabase.url,
			PORT: String(ports.rival),
			PEOPLE: String(members),
			CALLERS: String(connections),
			OFFERS: String(offers)
		});
		ending.defer(betterAuth.end);
		there = JSON.parse(betterAuth.said) as RivalScene;
		ending.defer((await startKit(ports.kit)).end);
	}
	const pages = only === undefined ? await listPages(scene, ports.kit) : [];
	const measured = [...listCalls(scene, ports, there), ...pages].filter(({ name }) =>
		name.includes(only ?? '')
	);
	const counts = await countAll(scene, measured);
	for (const one of measured) yield await compare(one, counts.get(one));
}

if (import.meta.main) await withPostgres(() => runParts({ calls: measureCalls }, process.argv[2]));
