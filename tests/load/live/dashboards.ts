import { Agent, request } from 'node:http';
import { refusedPauses, scatter } from '#lib/browser/pauses.ts';
import { openWire, type Way, type Wire } from '../../wire.ts';
import { now } from './moment.ts';

/** The process of the dashboards: opens them, has them come again as pages do, and notes when they hear what. */

export interface Dashboard {
	way: Way;
	/** The word after which it hears everything; null where that is so as soon as it is connected. */
	isCurrentAfter: string | null;
	/** What a page asks for when it is back. */
	questions: string[];
}

export type Order =
	/** Opens these, so many at a time; all at once where it isn't said. */
	| { name: 'open'; dashboards: Dashboard[]; atOnce?: number; asks?: boolean }
	/** When each of these marks was first and last heard, and by how many. Forgets them. */
	| { name: 'heard'; marks: string[] }
	/** Resolves when the mark was heard so often, or after the patience. */
	| { name: 'await'; mark: string; times: number; patience: number }
	| { name: 'close' };

interface Opened {
	/** Milliseconds until all are told that news come in, and until all have got what they asked for. */
	told: number;
	current: number;
	/** How often one was put off and came again. */
	again: number;
}
export interface Heard {
	first: number;
	last: number;
	times: number;
}
interface Answers {
	open: Opened;
	heard: (Heard | null)[];
	await: boolean;
	close: null;
}
export type Answer<Name extends Order['name']> = Answers[Name];

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const wires = new Set<Wire>();
const heard = new Map<string, Heard>();
const awaited = new Map<string, { times: number; resolve: () => void }>();
let isClosing = false;

/** What is measured is marked: an event by a name in it, the end of a session by its own word. */
const marked = /mark-\d+|^\["ended"/;

function note(mark: string): void {
	const at = now();
	const one = heard.get(mark) ?? { first: at, last: at, times: 0 };
	one.last = at;
	one.times += 1;
	heard.set(mark, one);
	const waiter = awaited.get(mark);
	if (waiter && one.times >= waiter.times) waiter.resolve();
}

/** Asks until there is an answer. */
async function question({ port, headers }: Way, path: string): Promise<void> {
	for (let times = 0; !isClosing; times += 1) {
		const status = await new Promise<number>((resolve) => {
			request({ port, host: '127.0.0.1', path, headers, agent }, (answer) => {
				answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
			})
				.on('error', () => resolve(0))
				.end();
		});
		if (status === 200) return;
		await pause(times);
	}
}

const pause = (times: number) =>
	new Promise((resolve) =>
		setTimeout(resolve, scatter(Math.min(refusedPauses.first * 2 ** times, refusedPauses.longest)))
	);

/** Comes again until it is let in, and resolves with how often it had to. */
function come({ way, isCurrentAfter }: Dashboard): Promise<number> {
	const { promise, resolve } = Promise.withResolvers<number>();
	let again = 0;
	let isCurrent = false;
	const open = () => {
		const becomeCurrent = () => {
			isCurrent = true;
			resolve(again);
		};
		const wire = openWire(way, {
			onConnect: () => void (isCurrentAfter === null && becomeCurrent()),
			onRefused: () => wire.cut(),
			onWord(text) {
				const mark = marked.exec(text)?.[0];
				if (mark) note(mark.startsWith('mark') ? mark : `ended ${way.headers.cookie}`);
				else if (!isCurrent && isCurrentAfter !== null && text.startsWith(isCurrentAfter)) becomeCurrent();
			},
			onClose() {
				wires.delete(wire);
				if (isClosing || isCurrent) return;
				again += 1;
				void pause(again).then(open);
			}
		});
		wires.add(wire);
	};
	open();
	return promise;
}

async function openAll({ dashboards, atOnce = dashboards.length, asks }: Extract<Order, { name: 'open' }>) {
	isClosing = false;
	const began = now();
	let [told, again] = [began, 0];
	const coming = dashboards.values();
	const lane = async () => {
		for (const one of coming) {
			again += await come(one);
			told = now();
			if (asks) for (const path of one.questions) await question(one.way, path);
		}
	};
	await Promise.all(Array.from({ length: atOnce }, lane));
	return { told: told - began, current: now() - began, again };
}

async function awaitMark({ mark, times, patience }: Extract<Order, { name: 'await' }>): Promise<boolean> {
	if ((heard.get(mark)?.times ?? 0) >= times) return true;
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const timer = setTimeout(() => resolve(false), patience);
	awaited.set(mark, { times, resolve: () => resolve(true) });
	const isHeard = await promise;
	clearTimeout(timer);
	awaited.delete(mark);
	return isHeard;
}

async function carryOut(order: Order): Promise<unknown> {
	switch (order.name) {
		case 'open':
			return openAll(order);
		case 'heard': {
			const answer = order.marks.map((mark) => heard.get(mark) ?? null);
			for (const mark of order.marks) heard.delete(mark);
			return answer;
		}
		case 'await':
			return awaitMark(order);
		case 'close':
			isClosing = true;
			for (const wire of wires) wire.cut();
			wires.clear();
			return null;
	}
}

process.on('message', ({ id, order }: { id: number; order: Order }) => {
	void carryOut(order).then((answer) => process.send?.({ id, answer }));
});
process.on('disconnect', () => process.exit(0));
