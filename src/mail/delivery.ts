import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { alarms } from '#lib/alarms.ts';
import type { MessageState } from '#lib/mail-server.ts';
import { topicOf } from '../../emails/about.ts';
import { isEmailName } from '../../emails/catalogue.ts';
import { mailsNoted } from '../metrics.ts';
import { raiseAlarm } from '../news/alarms.ts';
import { sendAhead } from '../database/ahead.ts';
import type { Db, Trx } from '../database/database.ts';
import type { Env } from '../env.ts';
import { deadLinkWords, hasDeadLink } from './outdated.ts';
import { findMailing, getMailServerRow, mailingOf } from './servers.ts';
import { signal } from '../news/publish.ts';
import { awaitedPriority, getMailPortal, priorityOf, type MailJob } from './outbox.ts';
import { unsubscribeToken } from './preferences.ts';
import { findQueued, openContent, takeMessage, UnsendableError, type Message } from './taking.ts';
import {
	answerOf,
	composeSource,
	createTransport,
	isFinal,
	sendEmail,
	toAddress,
	type Envelope,
	type Route
} from './smtp.ts';
import { getMailLook, findMessageTemplate, renderMessage } from './templates.ts';
import type { Vault } from '../vault/vault.ts';
import { transact } from '../database/transaction.ts';

/** Some two and a half days with the default waits, which double up to a day: mail servers are sometimes away long. */
const maxAttempts = 14;
const longestWait = 86_400;
/** After so many milliseconds at most whoever waits for the limit looks again: one that is raised counts at once. */
const longestNap = 2000;

/** What the worker needs of the process. */
export interface DeliveryParts {
	db: Db;
	env: Env;
	vault: Vault;
	log: Logger;
	/** Queues the next attempt in the transaction that notes how this one went; a higher priority goes first. */
	queue: (db: Trx, job: MailJob, how: { startAfter: Date | number; priority: number }) => Promise<void>;
	/**
	 * Before anything is noted of a message, since it may have to hold what comes first in the order of locks. What it
	 * returns is called once it is noted, in the same transaction.
	 */
	follow: (db: Trx, messageId: string) => Promise<() => Promise<void>>;
	/** Ends waits when the process does. */
	ending: AbortSignal;
}

const unwritableWords =
	'Not sent: its text and what it was written with don’t fit together. Look at the e-mail in “E-mails”.';
const brokenOffWords = 'Something went wrong on our side before it could be handed over; the log says more.';

/** What goes wrong in here lies in the message itself, and goes wrong again. */
async function making<Result>(make: () => Result | Promise<Result>): Promise<Result> {
	try {
		return await make();
	} catch (error) {
		// What a system call or the database says may be another thing the next time.
		if (error instanceof Error && 'code' in error) throw error;
		throw new UnsendableError(unwritableWords);
	}
}

/** The message as it goes out. @throws {UnsendableError} */
export async function composeMessage(
	parts: Pick<DeliveryParts, 'db' | 'env' | 'vault'>,
	message: Message
): Promise<Envelope> {
	const { db, env, vault } = parts;
	const portal = { ...(await getMailPortal(db, env.ORIGIN)), look: await getMailLook(db) };
	const props = openContent(vault, message);
	const template = await findMessageTemplate(db, message);
	const { html, text, attachments } = await making(() => renderMessage(message, template, props, portal));
	const mailing = mailingOf(await getMailServerRow(db), parts);
	const topic = isEmailName(message.template) ? topicOf(message.template) : undefined;
	const account = topic
		? await db.selectFrom('account').select('id').where('email', '=', message.recipient).executeTakeFirst()
		: undefined;
	return {
		id: message.id,
		from: toAddress(mailing.fromName || portal.name, mailing.fromAddress),
		to: toAddress(message.recipientName, message.recipient),
		...(mailing.replyTo && { replyTo: mailing.replyTo }),
		subject: message.subject,
		html,
		text,
		attachments,
		origin: env.ORIGIN,
		date: message.createdAt,
		...(topic && { topic }),
		...(topic &&
			account && {
				unsubscribeUrl: `${env.ORIGIN}/unsubscribe/${unsubscribeToken(vault, account.id, topic)}`
			})
	};
}

/** The message as its reader gets it, for the mailbox. */
export async function composePreview(parts: Pick<DeliveryParts, 'db' | 'env' | 'vault'>, message: Message) {
	const envelope = await composeMessage(parts, message);
	return { ...envelope, source: await composeSource(envelope) };
}

/** Sends messages one after the other, over a connection that is kept as long as the settings stay the same. */
export function createMailer(parts: DeliveryParts) {
	let current: { key: string; transport: ReturnType<typeof createTransport> } | null = null;
	function transportFor(route: Route) {
		const key = JSON.stringify(route);
		if (current?.key !== key) {
			current?.transport.close();
			current = { key, transport: createTransport(route) };
		}
		return current.transport;
	}
	return (job: MailJob) => deliver(parts, transportFor, job);
}

/**
 * Sends one message, or keeps it where no mail server is known. A job that runs twice sends nothing twice: a sent message
 * is emptied, an attempt that was noted has the next number, and one that was sent but not noted goes out again under
 * the same Message-ID. Whatever goes wrong is logged, and stands in the mailbox.
 */
async function deliver(
	parts: DeliveryParts,
	transportFor: (route: Route) => ReturnType<typeof createTransport>,
	job: MailJob
): Promise<void> {
	const { db, log } = parts;
	let message: Message | null = null;
	try {
		message = await takeMessage(parts, job);
		if (message) await attempt(parts, transportFor, job, message);
	} catch (error) {
		const about = { messageId: job.messageId, template: message?.template };
		if (error instanceof UnsendableError && message) {
			log.error(about, `a message can’t be sent: ${error.message}`);
			await note(parts, message, 'failed', { error: error.message });
			return;
		}
		log.error({ err: error, ...about }, 'an attempt to send a message was broken off');
		// Where the database is away this fails as well, and the queue hands the job out again.
		const known = message ?? (await findQueued(db, job));
		if (known) await noteTry(parts, known, brokenOffWords, false);
	}
}

async function attempt(
	parts: DeliveryParts,
	transportFor: (route: Route) => ReturnType<typeof createTransport>,
	job: MailJob,
	message: Message
): Promise<void> {
	const { db, env, vault, log } = parts;
	const mailing = findMailing(await getMailServerRow(db), parts);
	if (!mailing) {
		await raiseAlarm(db, 'mail-server');
		return noteTry(parts, message, alarms['mail-server'], false);
	}
	if (!mailing.route) return note(parts, message, 'kept', {});
	const values = openContent(vault, message);
	// The links of a test are samples.
	if (message.draft === null && (await hasDeadLink(db, values, env.ORIGIN))) {
		return note(parts, message, 'outdated', { content: null, error: deadLinkWords });
	}
	const priority = priorityOf(message);
	if (!(await takeTurn(parts, priority))) {
		await transact(db, (trx) => parts.queue(trx, job, { startAfter: 1, priority }));
		return;
	}
	const envelope = await composeMessage(parts, message);
	const attempts = message.attempts + 1;
	let answer: string;
	try {
		answer = await sendEmail(transportFor(mailing.route), envelope);
	} catch (error) {
		log.warn({ messageId: message.id, template: message.template, attempts }, 'a message was not sent');
		return noteTry(parts, message, answerOf(error), isFinal(error));
	}
	await note(parts, message, 'sent', { attempts, error: null, answer, content: null, sentAt: new Date() });
}

/** Notes an attempt that brought nothing out; the next one comes later, unless this was the last. */
async function noteTry(
	parts: DeliveryParts,
	message: Message,
	error: string,
	isLast: boolean
): Promise<void> {
	const noted = { attempts: message.attempts + 1, error };
	if (isLast || noted.attempts >= maxAttempts) return note(parts, message, 'failed', noted);
	const seconds = Math.min(parts.env.MAIL_RETRY_SECONDS * 2 ** message.attempts, longestWait);
	await note(parts, message, 'queued', { ...noted, nextTryAt: new Date(Date.now() + seconds * 1000) });
}

/** How much of a limit is kept for what somebody waits for: a fifth, and at least five, or half of less than ten. */
const keptOf = (perMinute: number) =>
	perMinute === 1 ? 0 : Math.max(Math.ceil(perMinute / 5), Math.min(5, Math.ceil(perMinute / 2)));

/**
 * Waits until one more message may be handed over: in no minute more than the limit, on all processes together. Some of it
 * is kept for messages that somebody waits for, which may use the rest as well: others go only where that much is left, so
 * that a place that becomes free is theirs first. False when that takes too long for one job, or the process ends.
 */
async function takeTurn({ db, ending }: DeliveryParts, priority: number): Promise<boolean> {
	const isForAll = priority < awaitedPriority;
	const patience = Date.now() + 60_000;
	while (!ending.aborted && Date.now() < patience) {
		const seconds = await transact(db, async (trx) => {
			// Whoever wants to send waits here for the others, also on other processes.
			const { perMinute } = await trx
				.selectFrom('mailServer')
				.select('perMinute')
				.forUpdate()
				.executeTakeFirstOrThrow();
			if (perMinute === null) return 0;
			const kept = isForAll ? keptOf(perMinute) : 0;
			// One can't be divided: others wait a little longer for it.
			const minute = isForAll && perMinute === 1 ? 60 + longestNap / 1000 + 1 : 60;
			await sql`delete from mail_try where at <= now() - interval '2 minutes'`.execute(trx);
			const { rows } = await sql<{ wait: number }>`
				select wait from (
					select extract(epoch from at - now())::float8 + ${minute}::float8 as wait from mail_try
					order by at desc offset ${perMinute - kept - 1} limit 1
				) as taken where wait > 0`.execute(trx);
			if (rows[0]) return rows[0].wait;
			await trx.insertInto('mailTry').values({ at: new Date() }).execute();
			return 0;
		});
		if (seconds <= 0) return true;
		const nap = Math.min(seconds * 1000 + 50, longestNap);
		await sleep(nap, undefined, { signal: ending }).catch(() => undefined);
	}
	return false;
}

/** Notes how an attempt went, and with `nextTryAt` queues the next one. */
async function note(
	{ db, queue, follow }: DeliveryParts,
	message: Message,
	state: MessageState,
	values: Partial<Message>
): Promise<void> {
	const { id } = message;
	const noted = { nextTryAt: null, ...values, state };
	await transact(db, async (trx) => {
		const tell = await follow(trx, id);
		await sendAhead(trx, trx.updateTable('message').set(noted).where('id', '=', id));
		if (noted.nextTryAt) {
			const { attempts: attempt } = { ...message, ...values };
			const how = { startAfter: noted.nextTryAt, priority: priorityOf(message) };
			await queue(trx, { messageId: id, attempt }, how);
		}
		await signal(trx, { kind: 'mailbox' });
		await tell();
	});
	mailsNoted.inc({ state });
}
