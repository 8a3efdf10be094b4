import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/**
 * A page's connection below any library, so that thousands of them fit into one process, and one can be held up as a
 * laptop that sleeps holds it: frames of WebSocket (RFC 6455), and in them the packets of Engine.IO and Socket.IO.
 */

export interface Way {
	port: number;
	/** What follows `/socket.io/?EIO=4&transport=websocket`. */
	query?: string;
	headers: Record<string, string>;
}

export interface Hearing {
	/** Let in. */
	onConnect(): void;
	/** Refused, with the reason that the server gives. */
	onRefused(reason: string): void;
	/** What an event of Socket.IO carries, `["name", …]`, not yet parsed. */
	onWord(text: string): void;
	/** Once, however it ended. */
	onClose(): void;
}

export interface Wire {
	/** Ends it without a word, as a network that is gone. */
	cut(): void;
	/** Takes nothing in and answers nothing, while the connection stays open. */
	freeze(): void;
	thaw(): void;
}

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };

/** A frame as clients send it: masked, and here never longer than 125 bytes. */
function frame(opcode: number, body: Buffer): Buffer {
	const mask = randomBytes(4);
	const masked = body.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
	return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length]), mask, masked]);
}

/** The first whole frame of these bytes, and where the next one begins; null while it isn't whole. */
function firstFrame(bytes: Buffer, at: number): { opcode: number; body: Buffer; end: number } | null {
	if (bytes.length < at + 2) return null;
	const opcode = (bytes[at] ?? 0) & 15;
	let length = (bytes[at + 1] ?? 0) & 127;
	let from = at + 2;
	if (length === 126) {
		if (bytes.length < from + 2) return null;
		length = bytes.readUInt16BE(from);
		from += 2;
	} else if (length === 127) {
		if (bytes.length < from + 8) return null;
		length = Number(bytes.readBigUInt64BE(from));
		from += 8;
	}
	const end = from + length;
	return bytes.length < end ? null : { opcode, body: bytes.subarray(from, end), end };
}

export function openWire({ port, query = '', headers }: Way, on: Hearing): Wire {
	const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
	let isOpen = false;
	let rest: Buffer = Buffer.alloc(0);

	const send = (text: string) => socket.write(frame(opcodes.text, Buffer.from(text)));
	socket.on('connect', () => {
		const lines = Object.entries({
			host: `localhost:${port}`,
			connection: 'Upgrade',
			upgrade: 'websocket',
			'sec-websocket-version': '13',
			'sec-websocket-key': randomBytes(16).toString('base64'),
			...headers
		}).map(([name, value]) => `${name}: ${value}\r\n`);
		socket.write(`GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1\r\n${lines.join('')}\r\n`);
	});
	socket.on('error', () => socket.destroy());
	socket.on('close', () => on.onClose());
	socket.on('data', (bytes) => {
		rest = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
		if (!isOpen) {
			const end = rest.indexOf('\r\n\r\n');
			if (end < 0) return;
			if (!rest.toString('latin1', 0, 13).startsWith('HTTP/1.1 101')) return void socket.destroy();
			isOpen = true;
			rest = rest.subarray(end + 4);
		}
		let at = 0;
		for (let one = firstFrame(rest, at); one; one = firstFrame(rest, at)) {
			at = one.end;
			take(one.opcode, one.body);
		}
		rest = rest.subarray(at);
	});

	function take(opcode: number, body: Buffer): void {
		if (opcode === opcodes.close) return void socket.destroy();
		if (opcode === opcodes.ping) return void socket.write(frame(opcodes.pong, body));
		if (opcode !== opcodes.text) return;
		const text = body.toString('utf8');
		// Engine.IO: 0 opens, 2 asks whether somebody is there, 4 brings what Socket.IO says.
		if (text.startsWith('42')) return on.onWord(text.slice(2));
		if (text.startsWith('2')) return void send('3');
		if (text.startsWith('0')) return void send('40');
		if (text.startsWith('40')) return on.onConnect();
		if (text.startsWith('44')) {
			const { data } = JSON.parse(text.slice(2)) as { data?: { reason?: string } };
			on.onRefused(data?.reason ?? '');
		} else if (text.startsWith('41') || text.startsWith('1')) socket.destroy();
	}

	return {
		cut: () => void socket.destroy(),
		freeze: () => void socket.pause(),
		thaw: () => void socket.resume()
	};
}
