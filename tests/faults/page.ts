import { openWire, type Wire } from '../wire.ts';

/**
 * What a page must do of what it is told, written once more from the description of it and nothing of the product: a
 * snapshot with its number, the events after it one number after the other, and a question whenever something may be missing.
 * It keeps what it has applied, and what came on each connection, to be judged.
 */

export interface Told {
	seq: number;
	name: string;
	payload: unknown;
}

/** What has come on one connection after the page had asked for what came before. */
interface Heard {
	/** Up to where it had asked. */
	after: number | null;
	/** In the order in which it came; a word that says that something is missing is null. */
	seqs: (number | null)[];
}

/** From a snapshot on: one number after the other. */
export interface Stretch {
	after: number;
	told: Told[];
}

export interface Place {
	organizationId: string;
	slug: string;
	/** With the cookie. */
	headers: Record<string, string>;
	/** The ports at which the portal answers. */
	ports: number[];
}

const pauseMs = 150;
const pause = () => new Promise((resolve) => setTimeout(resolve, pauseMs));

export type Page = ReturnType<typeof openPage>;

export function openPage({ organizationId, slug, headers, ports }: Place) {
	const stretches: Stretch[] = [];
	const connections: Heard[] = [];
	const waiting = new Map<number, Told>();
	const listeners = new Set<() => void>();
	let wire: Wire | null = null;
	let isAway = false;
	let connects = 0;
	/** Questions that nobody answered. */
	let unanswered = 0;
	let asking: Promise<void> | null = null;
	let isAskedAgain = false;

	const stretch = () => stretches.at(-1);
	const seq = () => stretch()?.told.at(-1)?.seq ?? stretch()?.after ?? -1;
	const look = () => {
		for (const one of listeners) one();
	};

	/** Asks at one port after the other until it is answered; null once the page is closed. */
	async function ask<Answer>(path: string, input: object): Promise<Answer | null> {
		const query = `/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`;
		for (let attempt = connects; !isAway; attempt += 1) {
			try {
				const answer = await fetch(`http://127.0.0.1:${ports[attempt % ports.length]}${query}`, {
					headers,
					signal: AbortSignal.timeout(20_000)
				});
				const body = (await answer.json()) as { result?: { data: Answer } };
				if (body.result) return body.result.data;
			} catch {
				// As an answer that can't be read.
			}
			unanswered += 1;
			await pause();
		}
		return null;
	}

	async function load(): Promise<void> {
		const opened = await ask<{ snapshot: { seq: number } }>('organizations.open', { slug });
		if (!opened) return;
		stretches.push({ after: opened.snapshot.seq, told: [] });
		advance();
	}

	async function catchUp(): Promise<void> {
		if (!stretch()) return load();
		const answer = await ask<{ events: Told[] | null }>('activity.since', { organizationId, after: seq() });
		if (!answer) return;
		// More than a page takes in one by one.
		if (!answer.events) return load();
		for (const event of answer.events) waiting.set(event.seq, event);
		advance();
	}

	function askForMissed(): Promise<void> {
		if (asking) isAskedAgain = true;
		asking ??= (async () => {
			do {
				isAskedAgain = false;
				await catchUp();
			} while (isAskedAgain);
		})().finally(() => {
			asking = null;
		});
		return asking;
	}

	function advance(): void {
		for (let next; (next = waiting.get(seq() + 1));) stretch()?.told.push(next);
		for (const one of waiting.keys()) if (one <= seq()) waiting.delete(one);
		look();
	}

	function connect(): void {
		if (isAway || wire) return;
		const heard: Heard = { after: null, seqs: [] };
		connections.push(heard);
		const port = ports[connects % ports.length] ?? 0;
		connects += 1;
		const own = openWire(
			{ port, headers },
			{
				onConnect: () => undefined,
				onRefused: () => own.cut(),
				onWord: (text) => void hear(heard, JSON.parse(text) as unknown[]),
				onClose() {
					if (wire === own) wire = null;
					look();
					void pause().then(connect);
				}
			}
		);
		wire = own;
	}

	async function hear(heard: Heard, [word, ...rest]: unknown[]): Promise<void> {
		if (word === 'event') {
			const [stream, event] = rest as [{ kind: string; organizationId?: string }, Told];
			if (stream.organizationId !== organizationId) return;
			heard.seqs.push(event.seq);
			if (event.seq <= seq()) return;
			waiting.set(event.seq, event);
			if (stretch()) advance();
			if (waiting.size > 0) await askForMissed();
		} else if (word === 'resync' || (word === 'news' && rest[0] === true)) {
			if (word === 'resync') heard.seqs.push(null);
			await askForMissed();
			heard.after ??= seq();
		}
	}

	connect();
	return {
		organizationId,
		stretches,
		connections,
		seq,
		get unanswered() {
			return unanswered;
		},
		get isConnected() {
			return wire !== null;
		},
		/** The network is gone, or the lid is closed for good. */
		leave() {
			isAway = true;
			wire?.cut();
		},
		comeBack() {
			isAway = false;
			connect();
		},
		freeze: () => wire?.freeze(),
		thaw: () => wire?.thaw(),
		/** Resolves when the condition holds; rejects after so long. */
		until(holds: () => boolean, what: string, patience: number): Promise<void> {
			if (holds()) return Promise.resolve();
			const { promise, resolve, reject } = Promise.withResolvers<void>();
			const timer = setTimeout(() => {
				listeners.delete(check);
				reject(new Error(`A page waited in vain for ${what}: it is at ${seq()}.`));
			}, patience);
			const check = () => {
				if (!holds()) return;
				clearTimeout(timer);
				listeners.delete(check);
				resolve();
			};
			listeners.add(check);
			return promise;
		}
	};
}
