import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * What the process counts of itself for `GET /metrics`. No label has more values than the code has words: no id, no
 * address and no path that somebody made up ever becomes one.
 */
export const registry = new Registry();
const registers = [registry];

/** Of what a page waits for, in seconds. */
const quick = [0.005, 0.025, 0.1, 0.5, 2, 10];
/** Of what happens by itself, in seconds. */
const patient = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export const calls = new Counter({
	name: 'portico_calls_total',
	help: 'Calls of the API that were answered, by their path and the status of the answer.',
	labelNames: ['path', 'status'],
	registers
});
export const callSeconds = new Histogram({
	name: 'portico_call_seconds',
	help: 'How long calls of the API took, with their time in queue.',
	labelNames: ['path'],
	buckets: quick,
	registers
});
export const queueSeconds = new Histogram({
	name: 'portico_queue_seconds',
	help: 'How long calls waited for their turn behind others of the same person, organization or network.',
	buckets: quick,
	registers
});
export const requests = new Counter({
	name: 'portico_requests_total',
	help: 'Requests that were answered, by what they were for and the status of the answer.',
	labelNames: ['kind', 'status'],
	registers
});
export const eventAgeSeconds = new Histogram({
	name: 'portico_event_age_seconds',
	help: 'How old events were when this process told its pages of them.',
	buckets: patient,
	registers
});
export const slowPages = new Counter({
	name: 'portico_slow_pages_total',
	help: 'Pages that did not read what they were told, and were let go to connect again.',
	registers
});
export const mailsNoted = new Counter({
	name: 'portico_mails_noted_total',
	help: 'Attempts of this process to send an e-mail, by the state that the e-mail was in afterwards.',
	labelNames: ['state'],
	registers
});
/** The next four are read from the database for each answer. */
export const databaseUp = new Gauge({
	name: 'portico_database_up',
	help: 'Whether the database answered when this was read; without it the mails and jobs are left out.',
	registers
});
export const mails = new Gauge({
	name: 'portico_mails',
	help: 'E-mails that have not gone out, by state, 10,000 of each at most.',
	labelNames: ['state'],
	registers
});
export const mailOldestSeconds = new Gauge({
	name: 'portico_mail_oldest_seconds',
	help: 'The age of the oldest e-mail that waits to be sent; 0 where none does.',
	registers
});
export const jobs = new Gauge({
	name: 'portico_jobs',
	help: 'Jobs by queue and state, as they were counted within the last ten seconds or so.',
	labelNames: ['queue', 'state'],
	registers
});

export const peopleOnline = new Gauge({
	name: 'portico_people_online',
	help: 'People who have a page of an organization open, on whichever process; of 100,000 pages at most.',
	registers
});

interface MemoryFigures {
	hits: number;
	misses: number;
	entries: number;
}
const memories = new Map<string, () => MemoryFigures>();
/** Figures of what a part of the process keeps in memory, under a name of the code. */
export const gaugeMemory = (name: string, read: () => MemoryFigures) => void memories.set(name, read);

// Added up where they come about, which is with each request that a gateway asks about, and put here when somebody looks.
new Counter({
	name: 'portico_memory_reads_total',
	help: 'Questions to what the process keeps in memory; a miss was answered by the database.',
	labelNames: ['memory', 'answer'],
	registers,
	collect() {
		this.reset();
		for (const [memory, read] of memories) {
			const { hits, misses } = read();
			this.inc({ memory, answer: 'hit' }, hits);
			this.inc({ memory, answer: 'miss' }, misses);
		}
	}
});
new Gauge({
	name: 'portico_memory_entries',
	help: 'Answers that the process keeps in memory.',
	labelNames: ['memory'],
	registers,
	collect() {
		for (const [memory, read] of memories) this.set({ memory }, read().entries);
	}
});

/** A figure that is looked up when somebody asks, by the part of the process that knows it. */
function lookUp(name: string, help: string): (read: () => number) => void {
	let read: (() => number) | undefined;
	new Gauge({
		name,
		help,
		registers,
		collect() {
			if (read) this.set(read());
		}
	});
	return (given) => void (read = given);
}
export const gaugePoolInUse = lookUp(
	'portico_pool_in_use',
	'Connections to PostgreSQL that calls are using; 0 on the embedded database.'
);
export const gaugePoolWaiting = lookUp(
	'portico_pool_waiting',
	'Calls that wait for a connection to PostgreSQL; 0 on the embedded database.'
);
export const gaugeSockets = lookUp('portico_sockets', 'Pages that are connected to this process.');
export const gaugePresenceRooms = lookUp(
	'portico_presence_rooms',
	'Organizations of which somebody has a page open on this process.'
);
export const gaugeClockOffset = lookUp(
	'portico_clock_offset_seconds',
	'How far the clock of this machine is ahead of that of the database.'
);
export const gaugeNews = lookUp(
	'portico_news_current',
	'Whether what is committed reaches this process; 0 means that its pages say that they are not live.'
);

/** Begins to observe what Node.js says of the process; costs a little, so only where somebody may ask. */
export function observeProcess(): void {
	collectDefaultMetrics({ register: registry });
}
