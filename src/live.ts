import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { parse as parseCookie } from 'hono/utils/cookie';
import type { Logger } from 'pino';
import { Server, type Socket } from 'socket.io';
import type { LiveEvent } from '#lib/events.ts';
import type { ServerToClient } from '#lib/wire.ts';
import type { Database, Db } from './database.ts';
import type { Env } from './env.ts';
import { channel, type Signal } from './outbox.ts';
import { arrive, beat, beatSeconds, isOnline, leave, leaveAll, onlineIn } from './presence.ts';
import { liveEventOf } from './procedures/activity.ts';
import { listEditors } from './procedures/emails.ts';
import { getSettings } from './procedures/settings.ts';
import { findSession, listLiveSessions, noteSeen, sessionCookie } from './session.ts';

/** Sessions and memberships of open sockets are compared with the database at least this often. */
const sweepSeconds = 45;

interface SocketData {
	user: { id: string } | null;
	sessionId: string | null;
}

// A page never sends anything: the first map is empty.
type LiveServer = Server<Record<string, never>, ServerToClient, Record<string, never>, SocketData>;
type LiveSocket = Socket<Record<string, never>, ServerToClient, Record<string, never>, SocketData>;

export interface Live {
	close(): Promise<void>;
}

const organizationRoom = (id: string) => `organization:${id}`;

/** The organizations whose news each of these people may hear. */
async function listRooms(db: Db, userIds: string[]): Promise<Map<string, string[]>> {
	const rows = await db
		.selectFrom('membership')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select(['organization.id', 'membership.userId'])
		.where('membership.userId', 'in', userIds)
		.where('organization.status', 'in', ['pending', 'approved', 'rejected'])
		.execute();
	const groups = Map.groupBy(rows, ({ userId }) => userId);
	return new Map([...groups].map(([userId, group]) => [userId, group.map(({ id }) => id)]));
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
		// A page of another site could otherwise open a socket with the visitor's cookie; `cors` doesn't stop that.
		allowRequest: (request, decide) => decide(null, request.headers.origin === env.ORIGIN)
	});

	io.use((socket, next) => {
		admit(socket).then(
			() => next(),
			(error: unknown) => next(error instanceof Error ? error : new Error('refused'))
		);
	});

	async function admit(socket: LiveSocket): Promise<void> {
		const { name } = sessionCookie(env.ORIGIN);
		const token = parseCookie(socket.handshake.headers.cookie ?? '', name)[name] ?? null;
		// Somebody who isn't signed in hears the portal's settings and nothing else.
		socket.data = { user: null, sessionId: null };
		if (!token) return;
		const session = await findSession(db, token, null);
		if (!session) throw new Error('signed out');
		const { user } = session;
		socket.data = { user: { id: user.id }, sessionId: session.id };
		await socket.join([`user:${user.id}`, `session:${session.id}`]);
		if (user.isPortalAdmin) await socket.join('admins');
	}

	io.on('connection', (socket) => {
		// Sockets carry news, never commands: whoever sends something is not one of our pages.
		socket.onAny(() => socket.disconnect(true));
		socket.on('disconnecting', () => {
			for (const room of socket.rooms) departed(socket, room);
			const { user } = socket.data;
			if (user && socketsIn(`user:${user.id}`).length === 1) guard(noteSeen(db, user.id));
		});
		guard(settle(socket));
		// In turn with the news, so that an older state never follows a newer one.
		inOrder(async () => {
			socket.emit('settings', await getSettings(db));
		});
	});

	/** After the connection, since rooms and presence are told to others. */
	async function settle(socket: LiveSocket): Promise<void> {
		const { user } = socket.data;
		if (!user) return;
		const rooms = await listRooms(db, [user.id]);
		for (const id of rooms.get(user.id) ?? []) await enter(socket, user.id, id);
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
		if (!others) guard(leave(db, processId, room.slice('organization:'.length), user.id));
	}

	const socketsIn = (room: string) =>
		[...(io.sockets.adapter.rooms.get(room) ?? [])].flatMap((id) => io.sockets.sockets.get(id) ?? []);

	async function tell(what: Signal): Promise<void> {
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
				io.to('admins').emit('mailbox');
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
		const sessions = await listLiveSessions(
			db,
			sockets.flatMap(({ data }) => data.sessionId ?? [])
		);
		const allowed = await listRooms(
			db,
			sockets.flatMap(({ data }) => data.user?.id ?? [])
		);
		await recheckAdmins(sockets.flatMap(({ data }) => data.user?.id ?? []));
		for (const socket of sockets) {
			const { sessionId, user } = socket.data;
			if (!user || !sessionId) continue;
			if (!sessions.has(sessionId)) {
				socket.emit('ended');
				socket.disconnect(true);
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

	await database.listen(
		channel,
		(text) => inOrder(() => tell(JSON.parse(text) as Signal)),
		() => {
			// Listening began anew: what was told in between is lost, so every page asks for what it missed.
			io.emit('resync');
			guard(sweep());
		}
	);
	const timers = [
		setInterval(() => guard(sweep()), sweepSeconds * 1000),
		setInterval(() => guard(beat(db, processId)), beatSeconds * 1000)
	];

	return {
		async close() {
			for (const timer of timers) clearInterval(timer);
			await io.close();
			await told;
			await leaveAll(db, processId);
		}
	};
}
