import { connect, type Socket } from 'node:net';

/**
 * A kept connection that asks over HTTP/1.1, one question after the other, and does no more than it has to: what measures
 * shares its processors with what is measured, and Node's own client takes as long as many a server.
 */

export interface Shot {
	method: 'GET' | 'POST';
	path: string;
	headers: Record<string, string>;
	body?: string;
}

export interface Line {
	/** Fails when it is not answered with 200. Returns the bytes of the answer's body, as it travelled. */
	ask(shot: Shot): Promise<number>;
	end(): void;
}

const [blank, lastChunk] = [Buffer.from('\r\n\r\n'), Buffer.from('0\r\n\r\n')];

/** Status and length of an answer, once all of it is there. */
function readAnswer(received: Buffer): { status: number; bytes: number } | null {
	const headEnds = received.indexOf(blank);
	if (headEnds < 0) return null;
	const head = received.toString('latin1', 0, headEnds);
	const status = Number(head.slice(9, 12));
	const bytes = received.length - headEnds - blank.length;
	const [, told] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
	// Nobody sends more before the next question: the end of what came is the end of the answer.
	const isWhole = told === undefined ? received.subarray(-5).equals(lastChunk) : bytes >= Number(told);
	return isWhole ? { status, bytes } : null;
}

function textOf(port: number, { method, path, headers, body }: Shot): string {
	const all = { host: `127.0.0.1:${port}`, ...headers };
	const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
	const length = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
	return `${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}\r\n${body ?? ''}`;
}

export function openLine(port: number): Line {
	let socket: Socket | null = null;
	let waiting: { shot: Shot; resolve: (bytes: number) => void; reject: (error: Error) => void } | null = null;
	let received: Buffer[] = [];

	function fail(error: Error): void {
		socket?.destroy();
		socket = null;
		const { shot, reject } = waiting ?? {};
		waiting = null;
		reject?.(new Error(`${shot?.method} ${shot?.path} on ${port}: ${error.message}`));
	}

	function open(): Socket {
		const opened = connect(port, '127.0.0.1').setNoDelay();
		opened.on('error', fail);
		opened.on('close', () => {
			if (opened === socket) fail(new Error('the connection was closed'));
		});
		opened.on('data', (part: Buffer) => {
			received.push(part);
			const answer = readAnswer(received.length === 1 ? part : Buffer.concat(received));
			if (!answer || !waiting) return;
			const { shot, resolve, reject } = waiting;
			waiting = null;
			if (answer.status === 200) resolve(answer.bytes);
			else reject(new Error(`${shot.method} ${shot.path} was answered ${answer.status}.`));
		});
		return opened;
	}

	return {
		ask: (shot) =>
			new Promise((resolve, reject) => {
				waiting = { shot, resolve, reject };
				received = [];
				socket ??= open();
				socket.write(textOf(port, shot));
			}),
		end() {
			const ending = socket;
			socket = null;
			ending?.destroy();
		}
	};
}
