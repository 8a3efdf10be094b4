import { setTimeout as sleep } from 'node:timers/promises';
import { faults, type Form } from './faults.ts';
import { judgeCommitted, judgePage } from './judge.ts';
import { startWorld } from './world.ts';

/** The harness: one fault after the other, and after each of them whether every page has seen what was committed. */

export interface Report {
	/** How often each fault happened, and the longest time until all pages were current again, in milliseconds. */
	faults: Record<string, { times: number; longestMs: number }>;
	/** Those that didn't come about before the end: of them nothing is known. */
	notTried: string[];
	committed: number;
	answered: number;
	/** How writers were refused, and how often. */
	refused: Record<string, number>;
	/** Questions of pages that were not answered at first. */
	unanswered: number;
	pages: number;
	connections: number;
	reloads: number;
	/** What is wrong. */
	wrong: string[];
}

export interface Run extends Pick<Form, 'absence'> {
	seed: number;
	nginx: string | null;
	companies: number;
	pages: number;
	/** Which faults there are, by their names. */
	names: readonly string[];
	/** Before each fault, for the first time once all pages are there and current. */
	isOver(rounds: number): boolean;
	/** So long may it take until pages are current again, in milliseconds. */
	patience: number;
	say?: (line: string) => void;
}

/** The same numbers for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

export async function soak(run: Run): Promise<Report> {
	const { names, patience, say = () => undefined } = run;
	const form: Form = { random: createRandom(run.seed), absence: run.absence };
	const world = await startWorld(run);
	const report: Report = {
		faults: Object.fromEntries(names.map((name) => [name, { times: 0, longestMs: 0 }])),
		notTried: [],
		committed: 0,
		answered: 0,
		refused: {},
		unanswered: 0,
		pages: world.pages.length,
		connections: 0,
		reloads: 0,
		wrong: []
	};

	/** With nobody writing, so that no later news can cover up for one that was lost. */
	async function settle(name: string): Promise<void> {
		const { writer, pages } = world;
		await writer.hold();
		const began = performance.now();
		const heads = await readHeads();
		const results = await Promise.allSettled(
			pages.map((page) => {
				const head = heads.get(page.organizationId) ?? 0;
				return page.until(() => page.seq() >= head, `number ${head}`, patience);
			})
		);
		for (const result of results) {
			if (result.status === 'rejected')
				report.wrong.push(`after “${name}”: ${(result.reason as Error).message}`);
		}
		const took = performance.now() - began;
		const noted = report.faults[name];
		if (noted) {
			noted.times += 1;
			noted.longestMs = Math.max(noted.longestMs, Math.round(took));
		}
		say(
			`${name}: all pages current after ${Math.round(took)} ms${results.some(isRejected) ? ', but for some' : ''}`
		);
		writer.goOn();
	}

	async function readHeads(): Promise<Map<string, number>> {
		for (;;) {
			try {
				const rows = await world.inDatabase<{ id: string; seq: string }>(
					'select id, last_seq as seq from organization'
				);
				return new Map(rows.map(({ id, seq }) => [id, Number(seq)]));
			} catch {
				// It is on its way up.
				await sleep(50);
			}
		}
	}

	async function judge(): Promise<void> {
		await world.writer.hold();
		for (const organizationId of world.organizationIds) {
			const committed = await world.listCommitted(organizationId);
			const answered = world.writer.answered.get(organizationId) ?? new Set();
			report.committed += committed.length;
			report.answered += answered.size;
			report.wrong.push(...judgeCommitted(committed, answered));
			const bySeq = new Map(committed.map((event) => [event.seq, event]));
			for (const page of world.pages) {
				if (page.organizationId !== organizationId) continue;
				report.unanswered += page.unanswered;
				report.connections += page.connections.length;
				report.reloads += page.stretches.length - 1;
				report.wrong.push(...judgePage(page, bySeq).map((fault) => `a page ${fault}`));
			}
		}
		report.refused = Object.fromEntries(world.writer.refused);
	}

	try {
		await world.writer.until(5);
		await settle('');
		for (let rounds = 0; !run.isOver(rounds); rounds += 1) {
			// Each once, and then whatever comes.
			const name = names[rounds] ?? names[Math.floor(form.random() * names.length)] ?? '';
			await faults[name]?.(world, form);
			await settle(name);
		}
		report.notTried = names.filter((name) => report.faults[name]?.times === 0);
		await judge();
	} finally {
		await world.stop();
	}
	return report;
}

const isRejected = ({ status }: PromiseSettledResult<void>) => status === 'rejected';
