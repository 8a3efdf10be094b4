import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Tells the letters of one side's messages as they pass (PostgreSQL's protocol, version 3, 54.7). A client's first
 * message, which opens the connection, has no letter before its length.
 */
function createReader(isServer: boolean, onMessage: (letter: string) => void) {
	let rest = Buffer.alloc(0);
	let isOpen = isServer;
	return (bytes: Buffer) => {
		rest = Buffer.concat([rest, bytes]);
		for (;;) {
			const head = isOpen ? 1 : 0;
			if (rest.length < head + 4) return;
			const length = head + rest.readUInt32BE(head);
			if (rest.length < length) return;
			if (isOpen) onMessage(String.fromCharCode(rest[0] ?? 0));
			isOpen = true;
			rest = rest.subarray(length);
		}
	};
}

/**
 * The way between a server and its database, to be cut by a test: the server is given `url` in place of the database's
 * own.
 */
export async function startCut(databaseUrl: string) {
	const target = new URL(databaseUrl);
	const open = new Set<Socket>();
	const listening = new Set<Socket>();
	const announcing = new Set<Socket>();
	/** Of each connection that is open: has its answers go nowhere. */
	const swallowing = new Set<() => void>();
	let isDeaf = false;
	let isMute = false;
	let statements = 0;
	let waits = 0;
	let losing: { text: string; onLost: () => void } | null = null;
	let watching: { text: string; onPass: (bytes: string) => void } | null = null;

	const server = createServer((from) => {
		const to = connect(Number(target.port || 5432), target.hostname);
		const join = (one: Socket, other: Socket) => {
			open.add(one);
			one.on('error', () => other.destroy());
			one.on('close', () => {
				open.delete(one);
				listening.delete(one);
				announcing.delete(one);
				other.destroy();
			});
		};
		join(from, to);
		join(to, from);
		const swallow = () => {
			to.unpipe(from);
			to.resume();
		};
		swallowing.add(swallow);
		from.once('close', () => swallowing.delete(swallow));
		// Each Query and each Sync is answered by ReadyForQuery.
		let unanswered = 0;
		const count = createReader(false, (letter) => {
			if (letter === 'Q' || letter === 'E') statements += 1;
			if (letter !== 'Q' && letter !== 'S') return;
			if (unanswered === 0) waits += 1;
			unanswered += 1;
		});
		const countAnswers = createReader(true, (letter) => {
			if (letter === 'Z') unanswered = Math.max(0, unanswered - 1);
		});
		to.on('data', countAnswers);
		from.on('data', (bytes) => {
			count(bytes);
			const text = bytes.toString('latin1');
			// The message that opens a connection names the program.
			if (text.includes('portico announcing')) {
				announcing.add(from);
				if (isMute) return void from.destroy();
			}
			if (watching && text.includes(watching.text)) watching.onPass(text);
			if (losing && text.includes(losing.text)) {
				const { onLost } = losing;
				losing = null;
				to.unpipe(from);
				// What the database answers was carried out.
				to.once('data', () => {
					from.destroy();
					onLost();
				});
				to.resume();
			}
			if (!text.includes('listen "portico"')) return void to.write(bytes);
			listening.add(from);
			if (isDeaf) from.destroy();
			else to.write(bytes);
		});
		to.pipe(from);
	});
	async function listen(port: number): Promise<number> {
		server.listen(port, '127.0.0.1');
		await once(server, 'listening');
		const address = server.address();
		return address && typeof address === 'object' ? address.port : port;
	}
	const port = await listen(0);
	const url = new URL(databaseUrl);
	url.host = `127.0.0.1:${port}`;
	const end = (sockets: Set<Socket>) => {
		for (const one of sockets) one.destroy();
	};

	return {
		url: url.href,
		/** How many statements have passed, of all connections together. */
		get statements() {
			return statements;
		},
		/** How often something was sent while its connection had nothing left to answer: one way to the database and back. */
		get waits() {
			return waits;
		},
		/** The database is away: what is open ends, and what is new is refused. */
		async cut() {
			const closed = once(server, 'close');
			server.close();
			end(open);
			await closed;
		},
		/** The database is back. */
		async mend() {
			if (!server.listening) await listen(port);
		},
		/** From the connections that are open nothing comes any more, though they stay; new ones are answered. */
		fallSilent() {
			for (const swallow of swallowing) swallow();
		},
		/** The connection that hears the news ends, and none like it comes about; queries are answered as before. */
		deafen() {
			isDeaf = true;
			end(listening);
		},
		hear() {
			isDeaf = false;
		},
		/** The connection that announces what was committed ends, and none like it comes about. */
		mute() {
			isMute = true;
			end(announcing);
		},
		speak() {
			isMute = false;
		},
		/** The next statement with this text is carried out, and its connection ends before the answer has come back. */
		loseAnswerTo(text: string): Promise<void> {
			const { promise, resolve } = Promise.withResolvers<void>();
			losing = { text, onLost: resolve };
			return promise;
		},
		/** Tells of each statement with this text, with what is sent along, as it passes. */
		watch(text: string, onPass: (bytes: string) => void) {
			watching = { text, onPass };
		},
		async stop() {
			if (!server.listening) return;
			const closed = once(server, 'close');
			server.close();
			end(open);
			await closed;
		}
	};
}
