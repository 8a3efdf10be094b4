import { setTimeout } from 'node:timers/promises';
import { listLiveSessions } from '../identity/sessions.ts';
import type { Attendance, PutOut } from './attendance.ts';
import type { House } from './house.ts';
import type { Presence } from './presence.ts';

/** How often sessions and memberships of open sockets are compared with the database at least, in milliseconds. */
const sweepEvery = 45_000;
/** So long the news of what was found have to come in, in milliseconds, before it is taken for missed. */
const newsTake = 1000;
/** After a repair that failed. */
const repairAgain = 1000;

/** Compares open sockets with the database every now and then, and until it succeeds when something went wrong. */
export function startSweep({ io, db, inOrder, report }: House, attendance: Attendance, presence: Presence) {
	const { shut, setRooms } = attendance;

	/** What a missed notification would have closed is closed here, in three queries for all sockets together. */
	async function sweep(mayPutOut?: PutOut): Promise<number> {
		return inOrder(async () => {
			const sockets = [...io.sockets.sockets.values()].filter(({ data }) => data.user);
			const sessions = await listLiveSessions(
				db,
				sockets.flatMap(({ data }) => data.sessionId ?? [])
			);
			const isLive = ({ data }: (typeof sockets)[number]) => sessions.has(data.sessionId ?? '');
			for (const socket of sockets) if (!isLive(socket)) shut(socket);
			return setRooms(sockets.filter(isLive), mayPutOut);
		});
	}

	/** Without haste: who is where they may not be is put out if their news haven't done it in the meantime. */
	async function compare(): Promise<void> {
		if ((await sweep(() => false)) === 0) return;
		await setTimeout(newsTake);
		if (!isStopped) await sweep();
	}

	let isStopped = false;
	let running = Promise.resolve();
	let asked: Promise<void> | undefined;
	/** Resolves when doors and presence have been set right by a comparison that began after this call. */
	function repair(): Promise<void> {
		asked ??= running = running.then(async () => {
			asked = undefined;
			while (!isStopped) {
				try {
					await sweep();
					return presence.refresh();
				} catch (error) {
					// The database may be back for one connection and not yet for the others.
					report(error);
					await setTimeout(repairAgain);
				}
			}
		});
		return asked;
	}

	const interval = setInterval(() => void compare().catch(report), sweepEvery);
	return {
		repair,
		stop() {
			isStopped = true;
			clearInterval(interval);
		}
	};
}
