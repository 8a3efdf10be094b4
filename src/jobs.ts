import { fromKysely, fromPglite, PgBoss, type Queue } from 'pg-boss';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import type { AlarmKind } from '#lib/alarms.ts';
import { clearAlarms, raiseAlarm } from './news/alarms.ts';
import type { Database } from './database/database.ts';
import { createMailer, type DeliveryParts } from './mail/delivery.ts';
import { deleteExpiredDevices } from './identity/devices.ts';
import { deleteExpiredLimits } from './database/windows.ts';
import { getMailServerRow, mailingOf } from './mail/servers.ts';
import { awaitedPriority, mailQueue, wakeMailersBy, type MailJob, type Outbox } from './mail/outbox.ts';
import { sweepEvents } from './procedures/activity/activity.ts';
import { tellRetirements } from './procedures/accesses/retiring.ts';
import { deleteDueOrganizations } from './procedures/organizations/deletions.ts';
import { listComingEnds, tellEnds } from './procedures/credentials/expiries.ts';
import { holdDelivery } from './procedures/invitations/invitations.ts';
import { retireDue } from './procedures/products/retirements.ts';
import { tellLimits } from './procedures/plans/telling.ts';
import { tellTeamsBy } from './procedures/products/news.ts';
import { deleteOldShares } from './procedures/quotas/shares.ts';
import { deleteOldInvitations } from './procedures/invitations/retention.ts';
import { deleteOldMessages } from './procedures/messages/retention.ts';
import { deleteOldUsage } from './procedures/usage/retention.ts';
import { deleteExpiredSessions } from './identity/sessions.ts';
import { transact } from './database/transaction.ts';
import { listAbandoned } from './mail/abandoned.ts';

const tidyQueue = 'tidy';
/** For jobs that broke off, since their process or the database died. What mail servers say is in delivery.ts. */
const jobRetries = 12;

/**
 * Who sends e-mails, each over a connection of its own: one worker all of them in their order, and three what somebody
 * waits for, so that neither what is queued nor a mail server that is slow with some message stands before it.
 */
const lanes = [
	{ maxPriority: awaitedPriority - 1 },
	...Array.from({ length: 3 }, () => ({ minPriority: awaitedPriority }))
];

/** Starts the queue, so that messages can be sent to it; `work` begins with the work. */
export async function startBoss(source: Database['source'], log: Logger): Promise<PgBoss> {
	const options = {
		schema: 'pgboss',
		registerInstance: false,
		// How soon the jobs of a process that died are seen and given to another one.
		superviseIntervalSeconds: 10,
		monitorIntervalSeconds: 10
	} as const;
	// A connection from which nothing comes any more would keep e-mails waiting for ever, and a process from ending.
	const connecting = { keepAlive: true, query_timeout: 60_000 };
	const boss =
		'url' in source
			? new PgBoss({ ...options, ...connecting, connectionString: source.url, max: 4 })
			: new PgBoss({ ...options, db: fromPglite(source.pglite), backend: 'pglite' });
	boss.on('error', (error) => log.error({ err: error }, 'the job queue reports an error'));
	// Not what comes with it: a slow query among it.
	boss.on('warning', ({ message }) => log.warn(`the job queue warns: ${message}`));
	await boss.start();
	await keepQueue(boss, mailQueue, {
		retryLimit: jobRetries,
		retryDelay: 5,
		retryBackoff: true,
		retryDelayMax: 10_800,
		expireInSeconds: 120,
		heartbeatSeconds: 10,
		notify: false
	});
	await keepQueue(boss, tidyQueue, { retryLimit: 0, expireInSeconds: 900 });
	return boss;
}

/** A queue with these options, also where an older version has made it with others. */
async function keepQueue(boss: PgBoss, name: string, options: Omit<Queue, 'name'>): Promise<void> {
	await boss.createQueue(name, options);
	await boss.updateQueue(name, options);
}

interface Step {
	kind: AlarmKind;
	run: (parts: Tidying) => Promise<void>;
}

/** Also at the end of each credential itself. */
const ends: Step = {
	kind: 'tidy-expiries',
	run: (parts) => tellEnds({ ...parts, config: parts.env })
};

/** Also as soon as they are changed, by the process that did it. */
const plans: Step = {
	kind: 'tidy-plans',
	run: (parts) => tellLimits({ ...parts, config: parts.env })
};

/** Likewise. */
const products: Step = {
	kind: 'tidy-products',
	async run(parts) {
		await retireDue(parts);
		await tellRetirements({ ...parts, config: parts.env });
	}
};

/*
 * What is kept, and what ends it. Every minute, by what follows: sessions, limits and devices that are over, organizations
 * whose time has come and their events after them, counts of requests, e-mails and ended invitations. By
 * themselves: an account has one link of each kind and 100 devices, what was tried to be sent within a minute goes with
 * the next try, pages that fell silent go with the next sign of life of another one, and the queue deletes its jobs after
 * seven days. Alarms are one of a kind. The names that an organization knew its people by go with it. Kept for ever are
 * only accounts, events, versions of e-mails, products that were published, with their documents, gateways that were revoked,
 * organizations that nobody has deleted, and requests for one, of which a person makes only so many a day.
 */

/** What tidies up every minute, each with the alarm that says it doesn't get on. */
const tidying: Step[] = [
	{ kind: 'tidy-sessions', run: ({ db }) => deleteExpiredSessions(db) },
	{
		kind: 'tidy-limits',
		async run({ db }) {
			await deleteExpiredLimits(db);
			await deleteOldShares(db);
		}
	},
	{ kind: 'tidy-organizations', run: (parts) => deleteDueOrganizations({ ...parts, config: parts.env }) },
	// After what deletes organizations.
	{ kind: 'tidy-events', run: ({ db }) => sweepEvents(db) },
	{ kind: 'tidy-devices', run: ({ db }) => deleteExpiredDevices(db) },
	{ kind: 'tidy-messages', run: queueAbandoned },
	{
		kind: 'tidy-old',
		async run({ db }) {
			await deleteOldMessages(db);
			await deleteOldInvitations(db);
		}
	},
	{ kind: 'tidy-usage', run: ({ db }) => deleteOldUsage(db) },
	products,
	ends,
	plans,
	{ kind: 'mail-server', run: async (parts) => void mailingOf(await getMailServerRow(parts.db), parts) }
];

type Tidying = Pick<DeliveryParts, 'db' | 'env' | 'vault' | 'log'> & { outbox: Outbox };

/** Messages without a job begin anew; the log says so, since something ended the jobs. */
async function queueAbandoned({ db, log, outbox }: Tidying): Promise<void> {
	const ids = await listAbandoned(db);
	if (ids.length === 0) return;
	log.warn({ messages: ids.length }, 'messages had no job and are queued again');
	await transact(db, (trx) => outbox.requeue(trx, ids));
}

/** Each step by itself: one that fails keeps none from running, and is told until it gets on again. */
async function tidy(parts: Tidying, steps: readonly Step[]): Promise<void> {
	const { db, log } = parts;
	const well: AlarmKind[] = [];
	for (const { kind, run } of steps) {
		try {
			await run(parts);
			well.push(kind);
		} catch (error) {
			log.error({ err: error, step: kind }, 'a step of the tidying failed');
			// Without a database there is nobody to tell either.
			await raiseAlarm(db, kind).catch(() => undefined);
		}
	}
	await clearAlarms(db, well);
}

/** Begins to work; the returned function ends what waits, before the queue is stopped. */
export async function work(
	boss: PgBoss,
	parts: Omit<DeliveryParts, 'queue' | 'follow' | 'ending'> & { outbox: Outbox }
): Promise<() => void> {
	const ending = new AbortController();
	const mailing: DeliveryParts = {
		...parts,
		ending: ending.signal,
		follow: holdDelivery,
		async queue(db, job, how) {
			await boss.send(mailQueue, job, { db: fromKysely(db), ...how });
		}
	};
	const workers: string[] = [];
	for (const range of lanes) {
		const deliver = createMailer(mailing);
		const worker = await boss.work<MailJob>(
			mailQueue,
			{ batchSize: 1, pollingIntervalSeconds: 2, ...range },
			async ([job]) => {
				// Looks for the next one at once, whatever becomes of this one; otherwise it would wait for its interval.
				boss.notifyWorker(worker);
				if (job) await deliver(job.data);
			}
		);
		workers.push(worker);
	}
	const letSleep = wakeMailersBy(() => {
		for (const worker of workers) boss.notifyWorker(worker);
	});
	await boss.work<{ isForEnds?: boolean } | null>(tidyQueue, async ([job]) => {
		if (job?.data?.isForEnds) return tidy(parts, [ends]);
		await tidy(parts, tidying);
		for (const startAfter of await listComingEnds(parts.db))
			await boss.send(tidyQueue, { isForEnds: true }, { startAfter });
	});
	await boss.schedule(tidyQueue, '* * * * *');
	// What fell due while no process was running.
	await boss.send(tidyQueue);
	const telling = pLimit(1);
	const endTelling = tellTeamsBy(() => {
		// One more finds what was changed while the one before it was under way.
		if (telling.pendingCount === 0) void telling(() => tidy(parts, [plans, products]));
	});
	return () => {
		endTelling();
		letSleep();
		ending.abort();
	};
}
