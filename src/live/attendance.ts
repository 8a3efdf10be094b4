import { inTurn } from '../database/turns.ts';
import { arrive, leave, onlineIn, onlineInEach } from '../news/presence.ts';
import type { LiveSocket } from './admission.ts';
import type { House } from './house.ts';
import { listAdmins, listRooms, organizationRoom, organizationsOf, userRoom } from './rooms.ts';

export type Attendance = ReturnType<typeof keepAttendance>;

/**
 * Which socket of this process is in which room, and who is seen there. Whatever opens and closes doors runs in the order
 * of the news, so that what was read before a door was closed never opens it again after.
 */
export function keepAttendance({ io, db, processId, door, guard }: House) {
	const socketsIn = (room: string) =>
		[...(io.sockets.adapter.rooms.get(room) ?? [])].flatMap((id) => io.sockets.sockets.get(id) ?? []);

	/** The session of this socket is over. */
	function shut(socket: LiveSocket): void {
		socket.emit('ended');
		socket.disconnect(true);
	}

	const isHere = (organizationId: string, userId: string) =>
		socketsIn(organizationRoom(organizationId)).some(({ data }) => data.user?.id === userId);

	/** Whose presence could not be written, and where. */
	const owed = new Map<string, () => Promise<void>>();

	/**
	 * Has presence say whether this person has a page of this process open there: in turn, and by what holds when the turn
	 * comes, so that a departure never undoes the arrival after it.
	 */
	function attest(organizationId: string, userId: string): Promise<void> {
		const key = `presence:${organizationId}:${userId}`;
		return inTurn(key, 1, async () => {
			owed.delete(key);
			await (isHere(organizationId, userId) ? arrive : leave)(db, processId, organizationId, userId);
		}).catch((error: unknown) => {
			owed.set(key, () => attest(organizationId, userId));
			throw error;
		});
	}

	async function settleOwed(): Promise<void> {
		for (const attestAgain of [...owed.values()]) await attestAgain();
	}

	function enter(socket: LiveSocket, userId: string, organizationId: string): void {
		const room = organizationRoom(organizationId);
		if (socket.rooms.has(room) || !socket.connected) return;
		void socket.join(room);
		guard(
			door.inTurn(async () => {
				await attest(organizationId, userId);
				const online = await onlineIn(db, organizationId);
				if (socket.rooms.has(room)) socket.emit('online', organizationId, online);
			})
		);
	}

	function exit(socket: LiveSocket, organizationId: string): void {
		void socket.leave(organizationRoom(organizationId));
		departed(socket, [organizationId]);
	}

	/** The last socket of a person in a room takes their presence along. */
	function departed({ data: { user } }: LiveSocket, organizationIds: string[]): void {
		if (!user) return;
		for (const id of organizationIds) {
			if (!isHere(id, user.id)) guard(door.inTurn(() => attest(id, user.id)));
		}
	}

	function bring(userIds: string[], organizationId: string): void {
		for (const userId of userIds) {
			for (const socket of socketsIn(userRoom(userId))) enter(socket, userId, organizationId);
			io.to(userRoom(userId)).emit('account');
		}
	}

	/** Whoever is a portal admin now hears the admins' news, and whoever no longer is does not. */
	async function setAdmins(sockets: LiveSocket[]): Promise<void> {
		const admins = await listAdmins(db, usersOf(sockets));
		for (const socket of sockets) {
			if (admins.has(socket.data.user?.id ?? '')) void socket.join('admins');
			else void socket.leave('admins');
		}
	}

	/** Has each of these be in the rooms of its person, and in no other. */
	async function setRooms(sockets: LiveSocket[]): Promise<void> {
		if (sockets.length === 0) return;
		const allowed = await listRooms(db, usersOf(sockets));
		for (const socket of sockets) {
			const { user } = socket.data;
			if (!user) continue;
			const own = new Set(allowed.get(user.id));
			for (const id of organizationsOf(socket.rooms)) if (!own.has(id)) exit(socket, id);
			for (const id of own) enter(socket, user.id, id);
		}
		await setAdmins(sockets);
	}

	/** Tells every room of this process who is there, when that may have been missed. */
	async function tellOnline(): Promise<void> {
		const ids = organizationsOf(io.sockets.adapter.rooms.keys());
		if (ids.length === 0) return;
		const online = await onlineInEach(db, ids);
		for (const id of ids) io.to(organizationRoom(id)).emit('online', id, online.get(id) ?? []);
	}

	return { socketsIn, shut, exit, departed, bring, setAdmins, setRooms, settleOwed, tellOnline };
}

const usersOf = (sockets: LiveSocket[]) => [...new Set(sockets.flatMap(({ data }) => data.user?.id ?? []))];
