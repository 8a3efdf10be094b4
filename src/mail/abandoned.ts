import { sql } from 'kysely';
import type { Db } from '../database/database.ts';
import { mailQueue } from './outbox.ts';
import { batchLength } from '../database/batches.ts';

/** After so many minutes without a job a message is looked after: the queue itself tries again for much longer. */
const abandonedMinutes = 15;

/**
 * Messages that wait for a job which is no longer there, as after its process died too often: of them the oldest, for the
 * worker to begin anew with.
 */
export async function listAbandoned(db: Db): Promise<string[]> {
	const { rows } = await sql<{ id: string }>`
		select id from message
		where state = 'queued'
			and greatest(created_at, next_try_at) < now() - make_interval(mins => ${abandonedMinutes})
			and not exists (
				select from pgboss.job
				where job.name = ${mailQueue} and job.state < 'completed'
					and job.data->>'messageId' = message.id::text
			)
		order by created_at limit ${batchLength}`.execute(db);
	return rows.map(({ id }) => id);
}
