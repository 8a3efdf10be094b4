import { sql } from 'kysely';
import { batchLength, inBatches } from '../../database/batches.ts';
import type { Db } from '../../database/database.ts';

/**
 * Deletes invitations that were accepted, declined or revoked and are older than the settings keep them. What happened stays
 * in the events, which are kept for ever.
 */
export async function deleteOldInvitations(db: Db): Promise<void> {
	const tooOld = sql`now() - make_interval(days => (select retention_days from portal))`;
	await inBatches(() =>
		sql`
			delete from invitation where id in (
				select id from invitation where state <> 'pending' and expires_at < ${tooOld}
				order by expires_at limit ${batchLength} for update skip locked
			)`.execute(db)
	);
}
