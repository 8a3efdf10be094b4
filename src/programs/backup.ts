import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerFile, askForBackup, createRequest, withdrawRequest } from '../database/backups.ts';
import { expectDatabase } from '../database/embedded.ts';
import { readEnv, type Env } from '../env.ts';

/**
 * `npm run backup`: has the portal that runs on the embedded database make a copy of it, and says where it is. What a copy
 * doesn't hold are the keys: `secrets.json` is kept apart from it.
 */

/** For so long a portal may take, in milliseconds: it copies between two statements, and looks every half second. */
const patience = 120_000;

async function run(env: Env): Promise<void> {
	if (env.DATABASE_URL)
		throw new Error('This portal is on PostgreSQL: pg_dump makes its copies, see docs/operating.md.');
	const folder = path.resolve(env.DATA_FOLDER);
	expectDatabase(folder);
	if (!existsSync(path.join(folder, 'portico.lock'))) {
		throw new Error('No portal is running on this data folder: copy the folder itself.');
	}
	const id = createRequest();
	askForBackup(folder, id);
	try {
		const deadline = performance.now() + patience;
		while (!existsSync(answerFile(folder, id))) {
			if (performance.now() > deadline) throw new Error('The portal did not answer. Is it running?');
			await sleep(100);
		}
		const answer = JSON.parse(readFileSync(answerFile(folder, id), 'utf8')) as {
			file?: string;
			error?: string;
		};
		if (!answer.file) throw new Error(`The portal could not make it: ${answer.error ?? 'the log says why'}.`);
		console.log(
			`The copy is ${answer.file}. Keep it apart from secrets.json, without which nobody can read its credentials.`
		);
	} finally {
		withdrawRequest(folder, id);
	}
}

try {
	await run(readEnv());
} catch (error) {
	console.error(`No copy was made. ${error instanceof Error ? error.message : String(error)}`);
	process.exitCode = 1;
}
