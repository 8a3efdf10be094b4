import { io, type Socket } from 'socket.io-client';
import type { ServerToClient } from '../wire.ts';

export type LiveSocket = Socket<ServerToClient, Record<string, never>>;

/** Begins to connect. In a file of its own: pages are shown before they have loaded the client. */
export function openSocket(): LiveSocket {
	return io({
		transports: ['websocket'],
		reconnectionDelay: 300,
		reconnectionDelayMax: 3000,
		timeout: 10_000,
		forceNew: true
	});
}
