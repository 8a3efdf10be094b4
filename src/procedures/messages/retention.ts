import { sql } from 'kysely';
import type { Db } from '../../database/database.ts';
import { signal } from '../../news/publish.ts';
import { mailQueue } from '../../mail/outbox.ts';

/*
 * What is kept, and what ends it. Every minute (`tidying` in jobs.ts): sessions, limits and devices that are over,
 * organizations whose time has come and their events after them, counts of requests (usage/keeping.ts), and by this file
 * e-mails and ended invitations. By
 * themselves: an account has one link of each kind and 100 devices, what was tried to be sent within a minute goes with
 * the next try, pages that fell silent go with the next sign of life of another one, and the queue deletes its jobs after
 * seven days. Alarms are one of a kind. The names that an organization knew its people by go with it. Kept for ever are
 * only accounts, events, versions of e-mails, organizations that nobody has deleted, and requests for one, of which a
 * person makes only so many a day.
 */

/** How many rows one statement deletes: nothing waits long for it. */
export const batchLength = 1000;

/**
 * Deletes what is older than the settings keep it: e-mails, but those that still wait to go out, and invitations that were
 * accepted, declined or revoked. What happened stays in the events, which are kept for ever.
 */
export async function deleteOld(db: Db): Promise<void> {
	const tooOld = sql`now() - make_interval(days => (select retention_days from portal))`;
	const deleted = await inBatches(() =>
		sql`
			delete from message where id in (
				select id from message where state <> 'queued' and created_at < ${tooOld}
				order by created_at limit ${batchLength} for update skip locked
			)`.execute(db)
	);
	if (deleted > 0) await signal(db, { kind: 'mailbox' });
	await inBatches(() =>
		sql`
			delete from invitation where id in (
				select id from invitation where state <> 'pending' and expires_at < ${tooOld}
				order by expires_at limit ${batchLength} for update skip locked
			)`.execute(db)
	);
}

/** Deletes with a statement that takes {@link batchLength} rows at most, until nothing is left of them. */
export async function inBatches(
	deleteSome: () => Promise<{ numAffectedRows?: bigint | undefined }>
): Promise<number> {
	for (let all = 0; ;) {
		const some = Number((await deleteSome()).numAffectedRows ?? 0);
		all += some;
		if (some < batchLength) return all;
	}
}

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
