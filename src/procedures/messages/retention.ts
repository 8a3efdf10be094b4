import { sql } from 'kysely';
import type { Db } from '../../database/database.ts';
import { signal } from '../../news/publish.ts';
import { batchLength, inBatches } from '../../database/batches.ts';

/** Deletes e-mails that are older than the settings keep them, but those that still wait to go out. */
export async function deleteOldMessages(db: Db): Promise<void> {
	const tooOld = sql`now() - make_interval(days => (select retention_days from portal))`;
	const deleted = await inBatches(() =>
		sql`
			delete from message where id in (
				select id from message where state <> 'queued' and created_at < ${tooOld}
				order by created_at limit ${batchLength} for update skip locked
			)`.execute(db)
	);
	if (deleted > 0) await signal(db, { kind: 'mailbox' });
}
