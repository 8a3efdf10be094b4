import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { Server } from 'socket.io';
import type { Database } from '../database/database.ts';
import type { Env } from '../env.ts';
import { listLiveSessions, noteSeen } from '../identity/sessions.ts';
import { beat, beatSeconds, leaveAll } from '../news/presence.ts';
import { channel, type Signal } from '../news/publish.ts';
import { getSettings } from '../procedures/settings/settings.ts';
import { openDoor, silenceAtMost, type LiveServer, type LiveSocket } from './admission.ts';
import { keepAttendance } from './attendance.ts';
import { startHeartbeat } from './heartbeat.ts';
import { listRooms } from './rooms.ts';
import { startSweep } from './sweep.ts';
import { createTeller } from './telling.ts';

export interface Live {
	/** Whether news come in: what is kept in memory may be used only while they do. */
	isCurrent(): boolean;
	close(): Promise<void>;
}

/**
 * The live side of the process: opens Socket.IO on the HTTP server, and tells the sockets of this process what
 * PostgreSQL announces. Every process hears every commit, so none has to know of the others.
 */
export async function startLive(
	server: HttpServer,
	{ database, env, log }: { database: Database; env: Env; log: Logger }
): Promise<Live> {
	const { db } = database;
	const processId = randomUUID();
	const io: LiveServer = new Server(server, {
		transports: ['websocket'],
		serveClient: false,
		maxHttpBufferSize: 16_384,
		perMessageDeflate: false,
		connectTimeout: silenceAtMost,
		// A page of another site could otherwise open a socket with the visitor's cookie; `cors` doesn't stop that.
		allowRequest: (request, decide) => decide(null, request.headers.origin === env.ORIGIN)
	});

	const door = openDoor(io, { db, env, log });
	const report = (error: unknown) => log.error({ err: error }, 'news could not be told');
	const guard = (promise: Promise<void>) => void promise.catch(report);
	const house = { io, db, processId, door, guard };
	const attendance = keepAttendance(house);
	const tell = createTeller(house, attendance);

	io.on('connection', (socket) => {
		// Sockets carry news, never commands: whoever sends something is not one of our pages.
		socket.onAny(() => socket.disconnect(true));
		socket.on('disconnecting', () => {
			for (const room of socket.rooms) attendance.departed(socket, room);
			const { user } = socket.data;
			if (user && attendance.socketsIn(`user:${user.id}`).length === 1)
				guard(door.inTurn(() => noteSeen(db, user.id)));
		});
		socket.on('disconnect', () => socket.conn.close());
		socket.emit('news', heartbeat.isCurrent());
		door
			.inTurn(() => settle(socket))
			.catch((error: unknown) => {
				report(error);
				// Without its rooms it would hear nothing: the page comes again.
				socket.conn.close();
			});
		welcome(socket);
	});

	const newcomers = new Set<LiveSocket>();
	/** In turn with the news, so that older settings never follow newer ones; read once for all who come together. */
	function welcome(socket: LiveSocket): void {
		newcomers.add(socket);
		if (newcomers.size > 1) return;
		inOrder(async () => {
			const welcomed = [...newcomers];
			newcomers.clear();
			const settings = await getSettings(db);
			for (const one of welcomed) one.emit('settings', settings);
		});
	}

	/** After the connection, since rooms and presence are told to others. */
	async function settle(socket: LiveSocket): Promise<void> {
		const { user, sessionId } = socket.data;
		if (!user || !sessionId || !socket.connected) return;
		if (door.hasMissedEnding(socket) && !(await listLiveSessions(db, [sessionId])).has(sessionId)) {
			return attendance.shut(socket);
		}
		const rooms = await listRooms(db, [user.id]);
		for (const id of rooms.get(user.id) ?? []) await attendance.enter(socket, user.id, id);
	}

	// One after the other, so that what was committed first is told first.
	let told: Promise<void> = Promise.resolve();
	const inOrder = (telling: () => Promise<void>) => {
		told = told.then(telling).catch(report);
	};

	function hear(text: string): void {
		try {
			const what = JSON.parse(text) as Signal;
			// Not behind the news that wait to be told: it says that they come in.
			if (what.kind === 'pulse') heartbeat.hear(what);
			else inOrder(() => tell(what));
		} catch (error) {
			report(error);
		}
	}

	const sweep = startSweep(house, attendance);
	const heartbeat = startHeartbeat(database, processId, log, (isCurrent) => io.emit('news', isCurrent));
	await database.listen(channel, hear, () => {
		// Listening began anew: what was told in between is lost, so every page asks for what it missed.
		io.emit('resync');
		sweep.untilDone();
	});
	const beating = setInterval(() => guard(beat(db, processId)), beatSeconds * 1000);

	return {
		isCurrent: heartbeat.isCurrent,
		async close() {
			clearInterval(beating);
			sweep.stop();
			heartbeat.stop();
			await io.close();
			await told;
			await leaveAll(db, processId);
		}
	};
}
