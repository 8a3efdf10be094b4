import { fromKysely, fromPglite, PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import type { Database } from './database.ts';
import { createMailer, type Parts } from './delivery.ts';
import { deleteExpiredDevices } from './devices.ts';
import { deleteExpiredLimits } from './limits.ts';
import { mailQueue, type MailJob, type Outbox } from './outbox.ts';
import { deleteDueOrganizations } from './procedures/deletions.ts';
import { tellExpiring } from './procedures/expiries.ts';
import { deleteExpiredSessions } from './session.ts';

const tidyQueue = 'tidy';
/** For jobs that broke off, since their process or the database died. What mail servers say is in delivery.ts. */
const jobRetries = 12;

/** Starts the queue, so that messages can be sent to it; `work` begins with the work. */
export async function startBoss(source: Database['source'], log: Logger): Promise<PgBoss> {
	const options = {
		schema: 'pgboss',
		useListenNotify: true,
		registerInstance: false,
		// How soon the jobs of a process that died are seen and given to another one.
		superviseIntervalSeconds: 10,
		monitorIntervalSeconds: 10
	} as const;
	const boss =
		'url' in source
			? new PgBoss({ ...options, connectionString: source.url, max: 4 })
			: new PgBoss({ ...options, db: fromPglite(source.pglite), backend: 'pglite' });
	boss.on('error', (error) => log.error({ err: error }, 'the job queue reports an error'));
	await boss.start();
	await boss.createQueue(mailQueue, {
		retryLimit: jobRetries,
		retryDelay: 5,
		retryBackoff: true,
		retryDelayMax: 10_800,
		expireInSeconds: 120,
		heartbeatSeconds: 10,
		notify: true
	});
	await boss.createQueue(tidyQueue, { retryLimit: 0 });
	return boss;
}

/** Begins to work; the returned function ends what waits, before the queue is stopped. */
export async function work(
	boss: PgBoss,
	parts: Omit<Parts, 'queue' | 'ending'> & { outbox: Outbox }
): Promise<() => void> {
	const ending = new AbortController();
	const deliver = createMailer({
		...parts,
		ending: ending.signal,
		async queue(db, job, startAfter) {
			await boss.send(mailQueue, job, { db: fromKysely(db), startAfter });
		}
	});
	const worker = await boss.work<MailJob>(
		mailQueue,
		{ batchSize: 1, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 2 },
		async ([job]) => {
			// Looks for the next one at once, whatever becomes of this one; otherwise it would wait for its interval.
			boss.notifyWorker(worker);
			if (job) await deliver(job.data);
		}
	);
	await boss.work(tidyQueue, async () => {
		await deleteExpiredSessions(parts.db);
		await deleteExpiredLimits(parts.db);
		await deleteDueOrganizations({ ...parts, config: parts.env });
		await deleteExpiredDevices(parts.db);
		await tellExpiring({ ...parts, config: parts.env });
	});
	await boss.schedule(tidyQueue, '* * * * *');
	// What fell due while no process was running.
	await boss.send(tidyQueue);
	return () => ending.abort();
}
