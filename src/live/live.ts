import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { Server } from 'socket.io';
import type { LiveEvent } from '#lib/events.ts';
import { openDoor, silenceAtMost, type LiveServer, type LiveSocket } from './admission.ts';
import type { Database } from '../database/database.ts';
import type { Env } from '../env.ts';
import { startHeartbeat } from './heartbeat.ts';
import { channel, type Signal } from '../news/publish.ts';
import { arrive, beat, beatSeconds, isOnline, leave, leaveAll, onlineIn } from '../news/presence.ts';
import { liveEventOf } from '../procedures/activity/activity.ts';
import { listEditors } from '../procedures/emails/emails.ts';
import { getSettings } from '../procedures/settings/settings.ts';
import { listRooms, organizationRoom } from './rooms.ts';
import { listLiveSessions, noteSeen } from '../identity/sessions.ts';

/** Sessions and memberships of open sockets are compared with the database at least this often. */
const sweepSeconds = 45;
/** After a comparison that failed, in milliseconds. */
const sweepAgain = 1000;

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

	io.on('connection', (socket) => {
		// Sockets carry news, never commands: whoever sends something is not one of our pages.
		socket.onAny(() => socket.disconnect(true));
		socket.on('disconnecting', () => {
			for (const room of socket.rooms) departed(socket, room);
			const { user } = socket.data;
			if (user && socketsIn(`user:${user.id}`).length === 1) guard(door.inTurn(() => noteSeen(db, user.id)));
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
			return shut(socket);
		}
		const rooms = await listRooms(db, [user.id]);
		for (const id of rooms.get(user.id) ?? []) await enter(socket, user.id, id);
	}

	/** The session of this socket is over. */
	function shut(socket: LiveSocket): void {
		socket.emit('ended');
		socket.disconnect(true);
	}

	async function enter(socket: LiveSocket, userId: string, organizationId: string): Promise<void> {
		if (socket.rooms.has(organizationRoom(organizationId)) || !socket.connected) return;
		await socket.join(organizationRoom(organizationId));
		await arrive(db, processId, organizationId, userId);
		socket.emit('online', organizationId, await onlineIn(db, organizationId));
	}

	async function exit(socket: LiveSocket, organizationId: string): Promise<void> {
		departed(socket, organizationRoom(organizationId));
		await socket.leave(organizationRoom(organizationId));
	}

	/** The last socket of a person in a room takes their presence along. */
	function departed(socket: LiveSocket, room: string): void {
		const { user } = socket.data;
		if (!user || !room.startsWith('organization:')) return;
		const others = [...(io.sockets.adapter.rooms.get(room) ?? [])].some(
			(id) => id !== socket.id && io.sockets.sockets.get(id)?.data.user?.id === user.id
		);
		if (others) return;
		guard(door.inTurn(() => leave(db, processId, room.slice('organization:'.length), user.id)));
	}

	const socketsIn = (room: string) =>
		[...(io.sockets.adapter.rooms.get(room) ?? [])].flatMap((id) => io.sockets.sockets.get(id) ?? []);

	async function tell(what: Exclude<Signal, { kind: 'pulse' }>): Promise<void> {
		switch (what.kind) {
			case 'event':
				return tellEvent(what.id);
			case 'account':
				if (socketsIn(`user:${what.userId}`).length > 0) await recheckAdmins([what.userId]);
				io.to(`user:${what.userId}`).emit('account');
				return;
			case 'seen':
				io.to(`user:${what.userId}`).emit('seen', what.organizationId, what.seq);
				return;
			case 'mailbox':
			case 'alarms':
				io.to('admins').emit(what.kind);
				return;
			case 'editors':
				io.to('admins').emit('editors', what.name, await listEditors(db, what.name));
				return;
			case 'presence': {
				const { organizationId, userId } = what;
				const room = organizationRoom(organizationId);
				if (!io.sockets.adapter.rooms.has(room)) return;
				io.to(room).emit('presence', organizationId, userId, await isOnline(db, organizationId, userId));
				return;
			}
			case 'ended':
				door.noteEnding();
				io.to(what.room).emit('ended');
				io.in(what.room).disconnectSockets(true);
		}
	}

	/** Whoever is a portal admin now hears the admins' news, and whoever no longer is does not. */
	async function recheckAdmins(userIds: string[]): Promise<void> {
		const rows = await db
			.selectFrom('account')
			.select('id')
			.where('id', 'in', userIds)
			.where('isPortalAdmin', '=', true)
			.execute();
		const admins = new Set(rows.map(({ id }) => id));
		for (const userId of new Set(userIds)) {
			for (const socket of socketsIn(`user:${userId}`)) {
				if (admins.has(userId)) await socket.join('admins');
				else await socket.leave('admins');
			}
		}
	}

	async function tellEvent(id: number): Promise<void> {
		const row = await db.selectFrom('event').selectAll().where('id', '=', id).executeTakeFirst();
		if (!row) return;
		const forOrganization = liveEventOf(row, 'organization');
		if (forOrganization && row.organizationId) {
			await openDoors(forOrganization, row.organizationId);
			const stream = { kind: 'organization', organizationId: row.organizationId } as const;
			// Portal admins hear everything, once: in their own stream what stands there.
			const rooms = [organizationRoom(row.organizationId), ...(row.portalSeq === null ? ['admins'] : [])];
			io.to(rooms).emit('event', stream, forOrganization);
			await closeDoors(forOrganization, row.organizationId);
			await tellInvitees(forOrganization, row.organizationId);
		}
		const forPortal = liveEventOf(row, 'portal');
		if (!forPortal) return;
		io.to('admins').emit('event', { kind: 'portal' }, forPortal);
		if (forPortal.name === 'settings.updated') io.emit('settings', forPortal.payload.settings);
	}

	/** Who has come in is in the room before the event is told there. */
	async function openDoors(event: LiveEvent, organizationId: string): Promise<void> {
		if (event.name === 'member.joined') await bring([event.payload.member.userId], organizationId);
		if (event.name === 'organization.requested' || event.name === 'organization.restored') {
			const rows = await db
				.selectFrom('membership')
				.select('userId')
				.where('organizationId', '=', organizationId)
				.execute();
			await bring(
				rows.map(({ userId }) => userId),
				organizationId
			);
		}
	}

	async function bring(userIds: string[], organizationId: string): Promise<void> {
		for (const userId of userIds) {
			for (const socket of socketsIn(`user:${userId}`)) await enter(socket, userId, organizationId);
			io.to(`user:${userId}`).emit('account');
		}
	}

	/** Who has gone hears that they have, and nothing after it. */
	async function closeDoors(event: LiveEvent, organizationId: string): Promise<void> {
		switch (event.name) {
			case 'member.removed':
			case 'member.left': {
				const { userId } = event.payload.member;
				for (const socket of socketsIn(`user:${userId}`)) await exit(socket, organizationId);
				io.to(`user:${userId}`).emit('account');
				return;
			}
			case 'member.updated':
			case 'member.appointed':
				io.to(`user:${event.payload.member.userId}`).emit('account');
				return;
			case 'organization.renamed':
			case 'organization.approved':
			case 'organization.rejected':
				io.to(organizationRoom(organizationId)).emit('account');
				return;
			case 'organization.suspended':
			case 'organization.deleted':
			case 'organization.withdrawn': {
				const room = organizationRoom(organizationId);
				io.to(room).emit('account');
				for (const socket of socketsIn(room)) await exit(socket, organizationId);
			}
		}
	}

	/** The owner of an address sees on every open page which invitations wait for them. */
	async function tellInvitees(event: LiveEvent, organizationId: string): Promise<void> {
		const isAboutAll = ['organization.renamed', 'organization.suspended', 'organization.restored'].includes(
			event.name
		);
		if (!isAboutAll && !('invitation' in event.payload)) return;
		const invitees = await db
			.selectFrom('account')
			.select('account.id')
			.where('account.emailVerifiedAt', 'is not', null)
			.where((eb) =>
				'invitation' in event.payload
					? eb('account.email', '=', event.payload.invitation.email)
					: eb(
							'account.email',
							'in',
							eb
								.selectFrom('invitation')
								.select('invitation.email')
								.where('invitation.organizationId', '=', organizationId)
								.where('invitation.state', '=', 'pending')
						)
			)
			.execute();
		for (const { id } of invitees) io.to(`user:${id}`).emit('account');
	}

	// One after the other, so that what was committed first is told first.
	let told: Promise<void> = Promise.resolve();
	const inOrder = (telling: () => Promise<void>) => {
		told = told.then(telling).catch(report);
	};
	const report = (error: unknown) => log.error({ err: error }, 'news could not be told');
	const guard = (promise: Promise<void>) => void promise.catch(report);

	/** What a missed notification would have closed is closed here, in three queries for all sockets together. */
	async function sweep(): Promise<void> {
		const sockets = [...io.sockets.sockets.values()].filter(({ data }) => data.user);
		if (sockets.length === 0) return;
		const sessionIds = sockets.flatMap(({ data }) => data.sessionId ?? []);
		const userIds = sockets.flatMap(({ data }) => data.user?.id ?? []);
		const sessions = await listLiveSessions(db, sessionIds);
		const allowed = await listRooms(db, userIds);
		await recheckAdmins(userIds);
		for (const socket of sockets) {
			const { sessionId, user } = socket.data;
			if (!user || !sessionId) continue;
			if (!sessions.has(sessionId)) {
				shut(socket);
				continue;
			}
			const own = new Set(allowed.get(user.id));
			for (const room of socket.rooms) {
				const id = room.startsWith('organization:') ? room.slice('organization:'.length) : null;
				if (id && !own.has(id)) await exit(socket, id);
			}
			for (const id of own) await enter(socket, user.id, id);
		}
	}

	let sweepTimer: ReturnType<typeof setTimeout> | undefined;
	/** Until it succeeds: the database may be back for one connection and not yet for the others. */
	function sweepUntilDone(): void {
		clearTimeout(sweepTimer);
		sweep().catch((error: unknown) => {
			report(error);
			sweepTimer = setTimeout(sweepUntilDone, sweepAgain);
		});
	}

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

	const heartbeat = startHeartbeat(database, processId, log, (isCurrent) => io.emit('news', isCurrent));
	await database.listen(channel, hear, () => {
		// Listening began anew: what was told in between is lost, so every page asks for what it missed.
		io.emit('resync');
		sweepUntilDone();
	});
	const timers = [
		setInterval(() => guard(sweep()), sweepSeconds * 1000),
		setInterval(() => guard(beat(db, processId)), beatSeconds * 1000)
	];

	return {
		isCurrent: heartbeat.isCurrent,
		async close() {
			for (const timer of timers) clearInterval(timer);
			clearTimeout(sweepTimer);
			heartbeat.stop();
			await io.close();
			await told;
			await leaveAll(db, processId);
		}
	};
}
