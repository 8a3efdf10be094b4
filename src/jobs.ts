import { fromPglite, PgBoss } from 'pg-boss';
import type { Selectable } from 'kysely';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Database, Db } from './database.ts';
import { deleteExpiredDevices } from './devices.ts';
import type { Env } from './env.ts';
import { deleteExpiredLimits } from './limits.ts';
import { composeSource, createTransport, renderEmail, sendEmail, toAddress } from './mail.ts';
import { getBrand, mailQueue, signal, type Outbox } from './outbox.ts';
import { deleteDueOrganizations } from './procedures/deletions.ts';
import { publishDelivery } from './procedures/invitations.ts';
import { deleteExpiredSessions } from './session.ts';
import type { Tables } from './tables.ts';
import type { Vault } from './vault.ts';

const tidyQueue = 'tidy';
/** With the growing delay about half a day: mail servers are sometimes away for hours. */
const mailRetries = 12;

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
		retryLimit: mailRetries,
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

/** What the worker needs of the process. */
interface Parts {
	db: Db;
	env: Env;
	vault: Vault;
	outbox: Outbox;
	log: Logger;
}

export async function work(boss: PgBoss, parts: Parts): Promise<void> {
	const transport = parts.env.SMTP_URL ? createTransport(parts.env.SMTP_URL) : null;
	const worker = await boss.work<{ messageId: string }>(
		mailQueue,
		{ batchSize: 1, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 5 },
		async ([job]) => {
			// Looks for the next one at once, whatever becomes of this one; otherwise it would wait for its interval.
			boss.notifyWorker(worker);
			if (job) await deliver(parts, transport, job.data.messageId);
		}
	);
	await boss.work(tidyQueue, async () => {
		await deleteExpiredSessions(parts.db);
		await deleteExpiredLimits(parts.db);
		await deleteDueOrganizations({ ...parts, config: parts.env });
		await deleteExpiredDevices(parts.db);
	});
	await boss.schedule(tidyQueue, '* * * * *');
	// What fell due while no process was running.
	await boss.send(tidyQueue);
}

type Message = Selectable<Tables['message']>;

const contentShape = z.record(z.string(), z.unknown());

/** The message as it goes out. @throws {Error} when it was emptied after sending. */
export async function composeMessage(parts: Pick<Parts, 'db' | 'env' | 'vault'>, message: Message) {
	const { db, env, vault } = parts;
	if (message.content === null) throw new Error('This message has been sent and is kept no longer.');
	const props = contentShape.parse(JSON.parse(vault.decrypt(message.content, 'message')));
	const portal = await getBrand(db, env.ORIGIN);
	const { subject, html, text } = await renderEmail(message.template, props, portal);
	const envelope = {
		id: message.id,
		from: toAddress(portal.name, env.MAIL_FROM),
		to: toAddress(message.recipientName, message.recipient),
		subject,
		html,
		text,
		origin: env.ORIGIN,
		date: message.createdAt
	};
	return { ...envelope, source: await composeSource(envelope) };
}

/**
 * Sends one message, or keeps it where no mail server is configured. A job that runs twice sends nothing twice: a sent
 * message is emptied, and one that was sent but not noted goes out again under the same Message-ID.
 */
async function deliver(
	parts: Parts,
	transport: ReturnType<typeof createTransport> | null,
	messageId: string
): Promise<void> {
	const { db, log } = parts;
	const message = await db.selectFrom('message').selectAll().where('id', '=', messageId).executeTakeFirst();
	if (!message || message.state === 'sent' || message.state === 'kept') return;
	if (!transport) {
		await note(db, messageId, { state: 'kept' });
		return;
	}
	try {
		await sendEmail(transport, await composeMessage(parts, message));
	} catch (error) {
		const text = error instanceof Error ? error.message : 'unknown error';
		log.warn(
			{ messageId, template: message.template, attempts: message.attempts + 1 },
			'a message was not sent'
		);
		await note(db, messageId, {
			state: message.attempts >= mailRetries ? 'failed' : 'queued',
			attempts: message.attempts + 1,
			error: text.slice(0, 500)
		});
		throw error;
	}
	await note(db, messageId, {
		state: 'sent',
		attempts: message.attempts + 1,
		error: null,
		content: null,
		sentAt: new Date()
	});
}

async function note(db: Db, id: string, values: Partial<Message>): Promise<void> {
	await db.transaction().execute(async (trx) => {
		await trx.updateTable('message').set(values).where('id', '=', id).execute();
		await signal(trx, { kind: 'mailbox' });
		await publishDelivery(trx, id);
	});
}
