import { randomUUID } from 'node:crypto';
import {
	closeSync,
	existsSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readdirSync,
	renameSync,
	rmSync,
	writeFileSync,
	writeSync
} from 'node:fs';
import path from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import type { Logger } from 'pino';

/**
 * Copies of the embedded database while it is in use. Only the process that has it open can make one, so whoever wants
 * one leaves a file in the data folder, where nobody but the portal's own user can, and finds the answer beside it.
 */

const lookEvery = 500;
const [asked, told] = ['.asked', '.told'];

export const backupFolder = (folder: string) => path.join(folder, 'backups');
export const createRequest = () => randomUUID();
const requestFile = (folder: string, id: string) => path.join(backupFolder(folder), `${id}${asked}`);
export const answerFile = (folder: string, id: string) => path.join(backupFolder(folder), `${id}${told}`);

export function askForBackup(folder: string, id: string): void {
	mkdirSync(backupFolder(folder), { recursive: true, mode: 0o700 });
	writeFileSync(requestFile(folder, id), '', { mode: 0o600 });
}

export function withdrawRequest(folder: string, id: string): void {
	for (const file of [requestFile(folder, id), answerFile(folder, id)]) rmSync(file, { force: true });
}

/** `database-2026-11-26T15-04-05.tar.gz`, by the time in UTC. */
const nameOf = (at: Date) =>
	`database-${at
		.toISOString()
		.replace(/\.\d+Z$/, '')
		.replaceAll(':', '-')}.tar.gz`;

/** One state of the database, between two statements; a name that is there is a whole copy. */
async function makeBackup(pglite: PGlite, folder: string): Promise<string> {
	// What is in memory alone goes to the files that are copied.
	await pglite.exec('checkpoint');
	const dump = await pglite.dumpDataDir('gzip');
	const file = path.join(backupFolder(folder), nameOf(new Date()));
	const draft = openSync(`${file}.part`, 'w', 0o600);
	try {
		writeSync(draft, Buffer.from(await dump.arrayBuffer()));
		fsyncSync(draft);
	} finally {
		closeSync(draft);
	}
	renameSync(`${file}.part`, file);
	return file;
}

/** Begins to look whether somebody wants a copy; the returned function ends it, with the one that is being made. */
export function watchForRequests(pglite: PGlite, folder: string, log: Logger): () => Promise<void> {
	let working = Promise.resolve();
	let isWorking = false;

	async function serve(ids: string[]): Promise<void> {
		isWorking = true;
		let answer: { file: string } | { error: string };
		try {
			answer = { file: await makeBackup(pglite, folder) };
			log.info({ file: answer.file }, 'a copy of the database was made');
		} catch (error) {
			log.error({ err: error }, 'a copy of the database could not be made');
			answer = { error: error instanceof Error ? error.message : String(error) };
		}
		for (const id of ids) {
			rmSync(requestFile(folder, id), { force: true });
			writeFileSync(`${answerFile(folder, id)}.part`, JSON.stringify(answer), { mode: 0o600 });
			renameSync(`${answerFile(folder, id)}.part`, answerFile(folder, id));
		}
		isWorking = false;
	}

	const interval = setInterval(() => {
		if (isWorking || !existsSync(backupFolder(folder))) return;
		const ids = readdirSync(backupFolder(folder))
			.filter((name) => name.endsWith(asked))
			.map((name) => name.slice(0, -asked.length));
		if (ids.length > 0) working = serve(ids);
	}, lookEvery);
	return async () => {
		clearInterval(interval);
		await working;
	};
}
