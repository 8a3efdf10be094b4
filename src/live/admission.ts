import type { IncomingMessage } from 'node:http';
import { parse as parseCookie } from 'hono/utils/cookie';
import type { Logger } from 'pino';
import type { Server, Socket } from 'socket.io';
import { refusals, type RefusedBecause, type ServerToClient } from '#lib/wire.ts';
import { addressOf } from '../identity/networks.ts';
import type { Db } from '../database/database.ts';
import { inTime } from '../database/in-time.ts';
import type { Env } from '../env.ts';
import { createSeats, type Wish } from './seats.ts';
import { findSession, sessionCookie } from '../identity/sessions.ts';
import { hashToken } from '../identity/tokens.ts';
import { sessionRoom, userRoom } from './rooms.ts';

/** The door of the live side: who comes in, and how many at once. */

export interface SocketData {
	user: { id: string } | null;
	sessionId: string | null;
	/** How many sessions had ended when this one was looked up. */
	endings: number;
}

// A page never sends anything: the first map is empty.
export type LiveServer = Server<Record<string, never>, ServerToClient, Record<string, never>, SocketData>;
export type LiveSocket = Socket<Record<string, never>, ServerToClient, Record<string, never>, SocketData>;
type Connection = LiveSocket['conn'];

/**
 * Pages open at once. Colleagues behind one address never take each other's place, nor do people without a session
 * theirs: the address counts for the latter alone.
 */
const most = { session: 50, account: 200, address: 100 };
/** Connections that aren't let in yet: they cost some memory, and whoever opens many has an address. */
const mostWaiting = { address: 2000, inAll: 5000 };
/** For so many milliseconds a page waits for the answer. */
const patience = 5000;
/** For so many milliseconds a connection may be open without asking to be let in. */
export const silenceAtMost = 10_000;

class Refused extends Error {
	readonly data: { reason: RefusedBecause };

	constructor(reason: RefusedBecause) {
		super(refusals[reason]);
		this.data = { reason };
	}
}

export interface Door {
	/** A session has ended: who is on the way in may have been looked up before. */
	noteEnding(): void;
	/** Whether a session has ended since this one was looked up. */
	hasMissedEnding(socket: LiveSocket): boolean;
}

/** Lets sockets in, with the rooms of their session, or refuses them in fixed words. */
export function openDoor(io: LiveServer, { db, env, log }: { db: Db; env: Env; log: Logger }): Door {
	const seats = createSeats();
	const waiting = new WeakMap<Connection, () => void>();
	const asked = new WeakSet<Connection>();
	let endings = 0;
	let isAway = false;

	io.engine.on('connection', (conn: Connection) => {
		const { address } = whoseIs(conn.request);
		const leave = seats.take([
			['waiting', mostWaiting.inAll],
			[`waiting:${address}`, mostWaiting.address]
		]);
		if (!leave) return conn.close();
		waiting.set(conn, leave);
		conn.once('close', leave);
	});

	io.use((socket, next) => {
		const { conn } = socket;
		admit(socket)
			.then(
				() => next(),
				(error: unknown) => {
					next(error instanceof Refused ? error : unavailable(error));
					// After the words, which go out with the next tick.
					setImmediate(() => conn.close());
				}
			)
			.finally(() => waiting.get(conn)?.());
	});

	function whoseIs(request: IncomingMessage) {
		const { name } = sessionCookie(env.ORIGIN);
		const token = parseCookie(request.headers.cookie ?? '', name)[name] || null;
		return { token, address: addressOf(request, env.TRUSTED_PROXIES) };
	}

	/** Counted before anything is waited for, and for as long as the connection lasts, whatever becomes of it. */
	function takeSeat({ conn }: LiveSocket, wish: Wish): void {
		if (conn.readyState !== 'open') throw new Refused('UNAVAILABLE');
		const leave = seats.take([wish]);
		if (!leave) throw new Refused('TOO_MANY');
		conn.once('close', leave);
	}

	async function admit(socket: LiveSocket): Promise<void> {
		// Once for each connection: nobody knocks again and again on the same one.
		if (asked.has(socket.conn)) throw new Refused('UNAVAILABLE');
		asked.add(socket.conn);
		const { token, address } = whoseIs(socket.request);
		forgetRequest(socket);
		// Somebody who isn't signed in hears the portal's settings and nothing else.
		socket.data = { user: null, sessionId: null, endings };
		if (!token) return takeSeat(socket, [`address:${address}`, most.address]);
		takeSeat(socket, [`session:${hashToken(token)}`, most.session]);
		const session = await inTime(findSession(db, token, null), patience);
		isAway = false;
		if (!session) throw new Refused('SIGNED_OUT');
		const { user } = session;
		takeSeat(socket, [`account:${user.id}`, most.account]);
		socket.data.user = { id: user.id };
		socket.data.sessionId = session.id;
		await socket.join([userRoom(user.id), sessionRoom(session.id)]);
		if (user.isPortalAdmin) await socket.join('admins');
	}

	/** Pages learn that it is not now, the log why: once for all of them, until somebody gets in again. */
	function unavailable(error: unknown): Refused {
		if (!isAway) log.error({ err: error }, 'pages can’t connect, since the database does not answer');
		isAway = true;
		return new Refused('UNAVAILABLE');
	}

	return {
		noteEnding: () => void (endings += 1),
		hasMissedEnding: ({ data }) => data.endings !== endings
	};
}

/** What a page has sent to open its connection would be kept for as long as that lasts: a fifth of all that it costs. */
function forgetRequest({ conn, handshake }: LiveSocket): void {
	(conn as { request: IncomingMessage | null }).request = null;
	handshake.headers = {};
}
