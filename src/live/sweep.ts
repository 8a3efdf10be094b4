import { listLiveSessions } from '../identity/sessions.ts';
import type { Attendance } from './attendance.ts';
import type { House } from './house.ts';
import { listRooms } from './rooms.ts';

/** Sessions and memberships of open sockets are compared with the database at least this often. */
const sweepSeconds = 45;
/** After a comparison that failed, in milliseconds. */
const sweepAgain = 1000;

/** Compares open sockets with the database every now and then, and whenever `untilDone` is called. */
export function startSweep({ io, db, guard }: House, attendance: Attendance) {
	const { shut, enter, exit, recheckAdmins } = attendance;

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

	let timer: ReturnType<typeof setTimeout> | undefined;
	/** The database may be back for one connection and not yet for the others. */
	function untilDone(): void {
		clearTimeout(timer);
		const sweeping = sweep();
		guard(sweeping);
		sweeping.catch(() => (timer = setTimeout(untilDone, sweepAgain)));
	}

	const interval = setInterval(() => guard(sweep()), sweepSeconds * 1000);
	return {
		untilDone,
		stop() {
			clearInterval(interval);
			clearTimeout(timer);
		}
	};
}
