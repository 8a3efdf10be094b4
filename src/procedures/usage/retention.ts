import { sql } from 'kysely';
import type { UsageSpan } from '#lib/usage.ts';
import type { Db } from '../../database/database.ts';
import { batchLength, inBatches } from '../../database/batches.ts';

/** How long counts are kept, in days. What is counted is written to all three at once: nothing is left to be rolled up. */
const keptDays: Record<UsageSpan, number> = { minute: 2, hour: 90, day: 3 * 365 + 1 };
/** How long a batch is known by its key, in days. */
const batchDays = 2;

/** Deletes counts that are older than they are kept. */
export async function deleteOldUsage(db: Db): Promise<void> {
	for (const [span, days] of Object.entries(keptDays)) {
		for (const table of ['usage_count', 'usage_watch']) {
			await inBatches(() =>
				sql`
					delete from ${sql.table(table)} where ctid = any (array(
						select ctid from ${sql.table(table)}
						where span = ${span} and at < now() - make_interval(days => ${days})
						limit ${batchLength} for update skip locked
					))`.execute(db)
			);
		}
	}
	await inBatches(() =>
		sql`
			delete from access_use where ctid = any (array(
				select ctid from access_use where began_at < now() - make_interval(days => ${keptDays.day})
				limit ${batchLength} for update skip locked
			))`.execute(db)
	);
	await inBatches(() =>
		sql`
			delete from usage_batch where key in (
				select key from usage_batch where at < now() - make_interval(days => ${batchDays})
				order by at limit ${batchLength} for update skip locked
			)`.execute(db)
	);
}
