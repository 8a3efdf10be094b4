import { arrive, leave, onlineIn } from '../news/presence.ts';
import type { LiveSocket } from './admission.ts';
import type { House } from './house.ts';
import { organizationRoom } from './rooms.ts';

export type Attendance = ReturnType<typeof keepAttendance>;

/** Which socket of this process is in which room, and who is seen there. */
export function keepAttendance({ io, db, processId, door, guard }: House) {
	const socketsIn = (room: string) =>
		[...(io.sockets.adapter.rooms.get(room) ?? [])].flatMap((id) => io.sockets.sockets.get(id) ?? []);

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

	async function bring(userIds: string[], organizationId: string): Promise<void> {
		for (const userId of userIds) {
			for (const socket of socketsIn(`user:${userId}`)) await enter(socket, userId, organizationId);
			io.to(`user:${userId}`).emit('account');
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

	return { socketsIn, shut, enter, exit, departed, bring, recheckAdmins };
}
