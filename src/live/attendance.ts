import type { LiveSocket } from './admission.ts';
import type { House } from './house.ts';
import type { Presence } from './presence.ts';
import { listAdmins, listRooms, organizationRoom, organizationsOf, userRoom, type Room } from './rooms.ts';
import type { Streams } from './streams.ts';

/** From the rooms of which organizations. */
export type PutOut = (organizationId: string) => boolean;
const everywhere: PutOut = () => true;

export type Attendance = ReturnType<typeof keepAttendance>;

/**
 * Which socket of this process is in which room. Whatever opens and closes doors runs in the order of the news, so that
 * what was read before a door was closed never opens it again after.
 */
export function keepAttendance({ io, db }: House, presence: Presence, streams: Streams) {
	const socketsIn = (room: string) =>
		[...(io.sockets.adapter.rooms.get(room) ?? [])].flatMap((id) => io.sockets.sockets.get(id) ?? []);

	/** The session of this socket is over. */
	function shut(socket: LiveSocket): void {
		socket.emit('ended');
		socket.disconnect(true);
	}

	function enter(socket: LiveSocket, userId: string, { id, isPersonal, lastSeq }: Room): void {
		const room = organizationRoom(id);
		if (socket.rooms.has(room) || !socket.connected) return;
		void socket.join(room);
		streams.begin(id, lastSeq);
		// Nobody else is ever there.
		const online = isPersonal ? { count: 1, userIds: [userId] } : presence.enter(id, userId);
		if (online) socket.emit('online', id, online);
	}

	function exit(socket: LiveSocket, organizationId: string): void {
		void socket.leave(organizationRoom(organizationId));
		departed(socket, [organizationId]);
	}

	/** The last socket of a person in a room takes their presence along. */
	function departed({ data: { user } }: LiveSocket, organizationIds: string[]): void {
		if (user) for (const id of organizationIds) presence.leave(id, user.id);
	}

	function bring(userIds: string[], organization: Room): void {
		for (const userId of userIds) {
			for (const socket of socketsIn(userRoom(userId))) enter(socket, userId, organization);
			io.to(userRoom(userId)).emit('account');
		}
	}

	/** Whoever is a portal admin now hears the admins' news, and whoever no longer is does not. */
	function setAdmins(sockets: LiveSocket[], admins: ReadonlyMap<string, number>): void {
		for (const socket of sockets) {
			const lastSeq = admins.get(socket.data.user?.id ?? '');
			if (lastSeq === undefined) {
				void socket.leave('admins');
				continue;
			}
			void socket.join('admins');
			streams.beginPortal(lastSeq);
		}
	}

	/**
	 * Has each of these be in the rooms of its person, and in no other; returns how many were in others. Where the news of
	 * that may still be on the way, and would then be told to an empty room, `mayPutOut` leaves them there for this time.
	 * Whoever is put out without news asks what happened.
	 */
	async function setRooms(sockets: LiveSocket[], mayPutOut: PutOut = everywhere): Promise<number> {
		if (sockets.length === 0) return 0;
		const users = usersOf(sockets);
		const [allowed, admins] = await Promise.all([listRooms(db, users), listAdmins(db, users)]);
		let strays = 0;
		for (const socket of sockets) {
			const { user } = socket.data;
			if (!user) continue;
			const own = allowed.get(user.id) ?? [];
			const closed = organizationsOf(socket.rooms).filter((id) => !own.some((room) => room.id === id));
			if (closed.length > 0) strays += 1;
			const left = closed.filter(mayPutOut);
			for (const id of left) exit(socket, id);
			if (left.length > 0) socket.emit('resync');
			for (const room of own) enter(socket, user.id, room);
		}
		setAdmins(sockets, admins);
		return strays;
	}

	return { socketsIn, shut, exit, departed, bring, setAdmins, setRooms };
}

const usersOf = (sockets: LiveSocket[]) => [...new Set(sockets.flatMap(({ data }) => data.user?.id ?? []))];
