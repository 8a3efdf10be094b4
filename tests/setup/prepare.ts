import pino from 'pino';
import { openDatabase } from '../../src/database/database.ts';
import { startBoss } from '../../src/jobs.ts';

/**
 * Makes the tables of Portico and of its queue, and nothing that belongs to one installation: keys, setup link and first
 * admin come with the first start on a copy of it.
 */
export async function prepare(env: { DATABASE_URL?: string; DATA_FOLDER: string }): Promise<void> {
	const database = await openDatabase(env);
	try {
		const boss = await startBoss(database.source, pino({ level: 'silent' }));
		await boss.stop({ graceful: false });
	} finally {
		await database.close();
	}
}
