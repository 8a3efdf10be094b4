import type { LiveServer, LiveSocket } from './admission.ts';
import { slowPages } from '../metrics.ts';

/** So much may wait for a page that reads slowly, or not at all; beyond that it connects again and asks for what it missed. */
const waitingAtMost = 2000;
/** So long whoever reads may take for it, in milliseconds: much may be told in one go. */
const readWithin = 1000;

/** What is told to pages that don't read it is kept within bounds. */
export function letGoOfSlowReaders(io: LiveServer): void {
	io.engine.on('connection', (conn: LiveSocket['conn']) => {
		let waiting = 0;
		let timer: NodeJS.Timeout | undefined;
		function look(): void {
			timer = undefined;
			if (waiting <= waitingAtMost) return;
			slowPages.inc();
			// What is on the way is thrown away with it.
			conn.close(true);
		}
		conn.on('packetCreate', () => {
			waiting += 1;
			if (waiting > waitingAtMost) timer ??= setTimeout(look, readWithin).unref();
		});
		conn.on('flush', () => void (waiting = 0));
		conn.once('close', () => clearTimeout(timer));
	});
}
