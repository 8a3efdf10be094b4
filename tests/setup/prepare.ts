import pino from 'pino';
import { openDatabase } from '../../src/database/database.ts';
import { startBoss } from '../../src/jobs.ts';

/** How much one may change in a minute: on a fast machine a test is in less than one what people are in many. */
export const changesPerMinute = 100_000;

/**
 * Makes the tables of Portico and of its queue, and nothing that belongs to one installation: keys, setup link and first
 * admin come with the first start on a copy of it.
 */
export async function prepare(env: { DATABASE_URL?: string; DATA_FOLDER: string }): Promise<void> {
	const database = await openDatabase(env);
	try {
		const boss = await startBoss(database.source, pino({ level: 'silent' }));
		await boss.stop({ graceful: false });
		const changes = { changesPerPerson: changesPerMinute, changesPerOrganization: changesPerMinute };
		await database.db.updateTable('portal').set(changes).execute();
	} finally {
		await database.close();
	}
}
