import { listLiveSessions } from '../identity/sessions.ts';
import { getSettings } from '../procedures/settings/settings.ts';
import type { LiveSocket } from './admission.ts';
import type { Attendance } from './attendance.ts';
import type { House } from './house.ts';

/** So many who connect are taken in together: others come in between. */
const receivedAtOnce = 100;
/** And no more often than every so many milliseconds: the questions are the same for one and for many. */
const receiveEvery = 50;

/**
 * Gives sockets that connect their settings and rooms.
 * @param isCurrent whether news come in.
 */
export function createReception(
	{ db, door, inOrder, report }: House,
	attendance: Attendance,
	isCurrent: () => boolean
): (socket: LiveSocket) => void {
	const newcomers = new Set<LiveSocket>();
	let receivedAt = 0;
	/**
	 * Settings and rooms, read once for all who come together, and in order: older ones never follow newer ones. From the
	 * first word on whether news come in, a page hears them, and asks for what happened between its snapshot and that word.
	 */
	async function receive(): Promise<void> {
		receivedAt = Date.now();
		const received = [...newcomers.values().take(receivedAtOnce)];
		for (const one of received) newcomers.delete(one);
		if (newcomers.size > 0) void inOrder(receive);
		try {
			const settings = await getSettings(db);
			for (const one of received) one.emit('settings', settings);
			await settle(received.filter(({ connected, data }) => connected && data.user));
			for (const one of received) {
				void one.join('received');
				one.emit('news', isCurrent());
			}
		} catch (error) {
			report(error);
			// Without their rooms they would hear nothing: the pages come again.
			for (const one of received) one.conn.close();
		}
	}

	/** After the connection, since rooms and presence are told to others. */
	async function settle(sockets: LiveSocket[]): Promise<void> {
		const doubtful = sockets.filter(door.hasMissedEnding).flatMap(({ data }) => data.sessionId ?? []);
		const good = await listLiveSessions(db, doubtful);
		const isOver = ({ data: { sessionId } }: LiveSocket) =>
			sessionId !== null && doubtful.includes(sessionId) && !good.has(sessionId);
		for (const socket of sockets) if (isOver(socket)) attendance.shut(socket);
		await attendance.setRooms(sockets.filter(({ connected }) => connected));
	}

	return (socket) => {
		newcomers.add(socket);
		if (newcomers.size === 1) setTimeout(() => void inOrder(receive), receivedAt + receiveEvery - Date.now());
	};
}
