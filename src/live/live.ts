import type { Server as HttpServer } from 'node:http';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { Server } from 'socket.io';
import type { Database } from '../database/database.ts';
import type { Env } from '../env.ts';
import { gaugeNews, gaugePresenceRooms, gaugeSockets } from '../metrics.ts';
import { startHearing, missChanges, noteChange } from '../news/changes.ts';
import { leaveAll } from '../news/presence.ts';
import { channel } from '../database/announcing.ts';
import type { Signal } from '../news/publish.ts';
import { openDoor, silenceAtMost, type LiveServer } from './admission.ts';
import { keepAttendance } from './attendance.ts';
import type { News } from './finding.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { House } from './house.ts';
import { keepPresence } from './presence.ts';
import { letGoOfSlowReaders } from './readers.ts';
import { createReception } from './reception.ts';
import { organizationsOf, userRoom } from './rooms.ts';
import { keepStreams, watchStreams } from './streams.ts';
import { startSweep } from './sweep.ts';
import { createTeller } from './telling.ts';

/** So many news are told together: others come in between. */
const toldAtOnce = 500;

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
	{ database, env, processId, log }: { database: Database; env: Env; processId: string; log: Logger }
): Promise<Live> {
	const { db, live } = database;
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
	letGoOfSlowReaders(io);
	const report = (error: unknown) => log.error({ err: error }, 'news could not be told');
	const inOrder = pLimit(1);
	const house: House = { io, db: live, processId, door, inOrder, report };
	const presence = keepPresence(house);
	const streams = keepStreams(house);
	const attendance = keepAttendance(house, presence, streams);
	const tell = createTeller(house, attendance, streams);
	const receive = createReception(house, attendance, () => heartbeat.isCurrent());

	io.on('connection', (socket) => {
		// Sockets carry news, never commands: whoever sends something is not one of our pages.
		socket.onAny(() => socket.disconnect(true));
		let left: string[] = [];
		socket.on('disconnecting', () => void (left = organizationsOf(socket.rooms)));
		socket.on('disconnect', () => {
			attendance.departed(socket, left);
			const { user } = socket.data;
			if (user && !io.sockets.adapter.rooms.has(userRoom(user.id))) presence.part(user.id);
			socket.conn.close();
		});
		receive(socket);
	});

	let isMissing = false;
	/** News that came could not be told: once the database answers, every page asks for what it missed. */
	function missed(error: unknown): void {
		report(error);
		if (isMissing) return;
		isMissing = true;
		void sweep.repair().then(() => {
			isMissing = false;
			io.emit('resync');
		});
	}

	const news: News[] = [];
	async function tellAll(): Promise<void> {
		const all = news.splice(0, toldAtOnce);
		if (news.length > 0) tellSoon();
		await tell(all);
	}
	const tellSoon = () => void inOrder(tellAll).catch(missed);

	function add(what: News): void {
		news.push(what);
		if (news.length === 1) tellSoon();
	}

	// The embedded database has no other process whose news could be lost.
	const watch =
		'url' in database.source
			? watchStreams(streams, (organizationId) => add({ kind: 'behind', organizationId }))
			: null;

	function hear(text: string): void {
		try {
			const what = JSON.parse(text) as Signal;
			switch (what.kind) {
				// Not behind the news that wait to be told: it says that they come in.
				case 'pulse':
					return heartbeat.hear(what);
				// An end waits for nothing.
				case 'ended':
					door.noteEnding();
					io.to(what.room).emit('ended');
					return void io.in(what.room).disconnectSockets(true);
				case 'missed':
					missChanges();
					return missed(new Error('A process could not tell what it has committed.'));
				case 'gone':
					if (what.isSilent) missed(new Error('A process has fallen silent.'));
					return presence.hear(what);
				case 'presence':
					return presence.hear(what);
				// Nor does what is kept in memory wait for anything that is told.
				case 'change':
					return noteChange(what);
				case 'event':
					noteChange(what);
					return add(what);
				default:
					return add(what);
			}
		} catch (error) {
			report(error);
		}
	}

	const sweep = startSweep(house, attendance, presence);
	const heartbeat = startHeartbeat(database, processId, log, (isCurrent) =>
		io.to('received').emit('news', isCurrent)
	);
	gaugeSockets(() => io.sockets.sockets.size);
	gaugePresenceRooms(presence.countRooms);
	gaugeNews(() => Number(heartbeat.isCurrent()));
	const endHearing = startHearing(heartbeat.isCurrent);
	await database.listen(channel, hear, () => {
		missChanges();
		// Listening began anew: what was told in between is lost, so every page asks for what it missed.
		io.emit('resync');
		void sweep.repair();
	});

	return {
		isCurrent: heartbeat.isCurrent,
		async close() {
			endHearing();
			sweep.stop();
			heartbeat.stop();
			await watch?.stop();
			await io.close();
			// What is being told is told to the end.
			await inOrder(() => undefined);
			await presence.stop();
			await leaveAll(live, processId);
		}
	};
}
