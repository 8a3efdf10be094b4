import { existsSync, mkdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { PGlite, types } from '@electric-sql/pglite';
import { lockFolder } from './lock.ts';

/** The embedded database: where it is in the data folder, whether it still is, and how a process has it to itself. */

const placeIn = (folder: string) => path.join(path.resolve(folder), 'database');
const movedIn = (folder: string) => `${placeIn(folder)}-moved`;

export const hasDatabase = (folder: string) => existsSync(placeIn(folder));

/** What a finished move to PostgreSQL has left, and the day on which it ended; null where there was none. */
export function findMoved(folder: string): { place: string; day: string } | null {
	const place = movedIn(folder);
	const stats = statSync(place, { throwIfNoEntry: false });
	return stats ? { place, day: stats.mtime.toISOString().slice(0, 10) } : null;
}

/** Whoever starts without DATABASE_URL by mistake must not go on where others have gone on as well. */
export function setAsideMoved(folder: string): string {
	// Its time says from then on when it was moved, in copies of the folder too.
	utimesSync(placeIn(folder), new Date(), new Date());
	renameSync(placeIn(folder), movedIn(folder));
	return movedIn(folder);
}

/** @throws {Error} where the database of the folder was moved to PostgreSQL, and there is no other one. */
function refuseMoved(folder: string): void {
	const moved = hasDatabase(folder) ? null : findMoved(folder);
	if (!moved) return;
	throw new Error(
		`This portal was moved to PostgreSQL on ${moved.day}: set DATABASE_URL to that database. To go back to what was here until then, rename ${moved.place} to ${path.basename(placeIn(folder))}.`
	);
}

/** For programs that make no database. @throws {Error} where there is none in the folder, or none any more. */
export function expectDatabase(folder: string): void {
	refuseMoved(folder);
	if (!hasDatabase(folder)) throw new Error(`There is no database in ${path.resolve(folder)}.`);
}

/** For so many milliseconds the embedded database may be at work before the process sees to everything else. */
const workAtOnce = 5;

/**
 * The embedded database works in this process, and its promises resolve without anything else coming in between: a call of
 * many statements would keep all other calls waiting, those too that ask it nothing.
 */
function keepAnswering(pglite: PGlite): void {
	let since = performance.now();
	const execute = pglite.execProtocolStream.bind(pglite);
	pglite.execProtocolStream = async (...given) => {
		if (performance.now() - since > workAtOnce) {
			await setImmediate();
			since = performance.now();
		}
		return execute(...given);
	};
}

/**
 * Opens the database of the folder, or makes one.
 * @throws {Error} where it was moved away. @throws {FolderInUse} where another process has it.
 */
export async function openEmbedded(folder: string): Promise<{ pglite: PGlite; close(): Promise<void> }> {
	refuseMoved(folder);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const lock = await lockFolder(folder);
	const pglite = await PGlite.create(placeIn(folder), { parsers: { [types.INT8]: Number } });
	// All that it reads and writes passes here.
	const execute = pglite.execProtocolRawSync.bind(pglite);
	pglite.execProtocolRawSync = (message) => {
		lock.check();
		return execute(message);
	};
	keepAnswering(pglite);
	return {
		pglite,
		async close() {
			await pglite.close();
			await lock.release();
		}
	};
}
