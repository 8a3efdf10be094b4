import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Selectable } from 'kysely';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { MessageState } from '#lib/mail-server.ts';
import { catalogue, gathering, isEmailName, topicOf } from '../emails/catalogue.ts';
import type { Db, Trx } from './database.ts';
import type { Env } from './env.ts';
import { deadLinkWords, hasDeadLink } from './outdated.ts';
import { renderSubject } from './mail.ts';
import { getMailServerRow, mailingOf } from './mailserver.ts';
import { getBrand, signal, type MailJob } from './outbox.ts';
import { unsubscribeToken } from './preferences.ts';
import { publishDelivery } from './procedures/invitations.ts';
import {
	answerOf,
	composeSource,
	createTransport,
	isFinal,
	sendEmail,
	toAddress,
	type Message as Envelope,
	type Route
} from './smtp.ts';
import type { Tables } from './tables.ts';
import { getLook, getTemplate, renderMessage } from './templates.ts';
import type { Vault } from './vault.ts';

/** Some two and a half days with the default waits, which double up to a day: mail servers are sometimes away long. */
const maxAttempts = 14;
const longestWait = 86_400;

/** What the worker needs of the process. */
export interface Parts {
	db: Db;
	env: Env;
	vault: Vault;
	log: Logger;
	/** Queues the next attempt in the transaction that notes how this one went. */
	queue: (db: Trx, job: MailJob, startAfter: Date | number) => Promise<void>;
	/** Ends waits when the process does. */
	ending: AbortSignal;
}

type Message = Selectable<Tables['message']>;

const contentShape = z.record(z.string(), z.string());

/** What the message was queued with. @throws {Error} when it was emptied after sending. */
export function openContent(vault: Vault, { content }: Pick<Message, 'content'>): Record<string, string> {
	if (content === null) throw new Error('This message has been sent and is kept no longer.');
	return contentShape.parse(JSON.parse(vault.decrypt(content, 'message')));
}

/** The message as it goes out. @throws {Error} when it was emptied after sending. */
export async function composeMessage(
	parts: Pick<Parts, 'db' | 'env' | 'vault'>,
	message: Message
): Promise<Envelope> {
	const { db, env, vault } = parts;
	const portal = { ...(await getBrand(db, env.ORIGIN)), look: await getLook(db) };
	const props = openContent(vault, message);
	const { html, text, attachments } = await renderMessage(db, message, props, portal);
	const mailing = mailingOf(await getMailServerRow(db), parts);
	const topic = isEmailName(message.template) ? topicOf[message.template] : undefined;
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
export async function composePreview(parts: Pick<Parts, 'db' | 'env' | 'vault'>, message: Message) {
	const envelope = await composeMessage(parts, message);
	return { ...envelope, source: await composeSource(envelope) };
}

/** Sends messages one after the other, over a connection that is kept as long as the settings stay the same. */
export function createMailer(parts: Parts) {
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
 * the same Message-ID.
 */
async function deliver(
	parts: Parts,
	transportFor: (route: Route) => ReturnType<typeof createTransport>,
	job: MailJob
): Promise<void> {
	const { db, env, vault, log } = parts;
	const message = await db.transaction().execute((trx) => take(trx, parts, job));
	if (!message) return;
	const mailing = mailingOf(await getMailServerRow(db), parts);
	if (!mailing.route) return note(parts, message, 'kept', {});
	// The links of a test are samples.
	if (message.draft === null && (await hasDeadLink(db, openContent(vault, message), env.ORIGIN))) {
		return note(parts, message, 'outdated', { content: null, error: deadLinkWords });
	}
	if (!(await takeTurn(parts))) {
		await db.transaction().execute((trx) => parts.queue(trx, job, 1));
		return;
	}
	const attempts = message.attempts + 1;
	let answer: string;
	try {
		answer = await sendEmail(transportFor(mailing.route), await composeMessage(parts, message));
	} catch (error) {
		log.warn({ messageId: message.id, template: message.template, attempts }, 'a message was not sent');
		const noted = { attempts, error: answerOf(error) };
		if (isFinal(error) || attempts >= maxAttempts) return note(parts, message, 'failed', noted);
		const seconds = Math.min(env.MAIL_RETRY_SECONDS * 2 ** message.attempts, longestWait);
		const nextTryAt = new Date(Date.now() + seconds * 1000);
		return note(parts, message, 'queued', { ...noted, nextTryAt });
	}
	await note(parts, message, 'sent', { attempts, error: null, answer, content: null, sentAt: new Date() });
}

/** The message of the job, if this attempt is still to be made; one that gathers has taken up its like. */
async function take(
	db: Trx,
	{ env, vault }: Pick<Parts, 'env' | 'vault'>,
	{ messageId, attempt }: MailJob
): Promise<Message | null> {
	const known = await db.selectFrom('message').selectAll().where('id', '=', messageId).executeTakeFirst();
	// Jobs of older versions have no number.
	if (known?.state !== 'queued' || known.attempts !== (attempt ?? known.attempts)) return null;
	if (!known.gatherKey) return known;
	const rows = await db
		.selectFrom('message')
		.selectAll()
		.where('gatherKey', '=', known.gatherKey)
		// Always in the same order: the job of another of them may be at this on another process.
		.orderBy('id')
		.forUpdate()
		.execute();
	if (!rows.some(({ id }) => id === messageId)) return null;
	const all = rows.toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime());
	const rule = isEmailName(known.template) ? gathering[known.template] : undefined;
	const together = { gatherKey: null } as Partial<Message>;
	if (rule && all.length > 1) {
		const props = rule.gather(all.map((row) => openContent(vault, row)));
		together.template = rule.into;
		const { version, subject } = await getTemplate(db, rule.into);
		together.templateVersion = version;
		together.subject = renderSubject(rule.into, props, await getBrand(db, env.ORIGIN), subject);
		together.content = vault.encrypt(JSON.stringify(catalogue[rule.into].props.parse(props)), 'message');
		const others = all.map(({ id }) => id).filter((id) => id !== messageId);
		await db.deleteFrom('message').where('id', 'in', others).execute();
	}
	return db
		.updateTable('message')
		.set(together)
		.where('id', '=', messageId)
		.returningAll()
		.executeTakeFirstOrThrow();
}

/**
 * Waits until one more message may be handed over: in no minute more than the limit, on all processes together. False
 * when that takes too long for one job, or the process ends.
 */
async function takeTurn({ db, ending }: Parts): Promise<boolean> {
	const patience = Date.now() + 60_000;
	while (!ending.aborted && Date.now() < patience) {
		const seconds = await db.transaction().execute(async (trx) => {
			// Whoever wants to send waits here for the others, also on other processes.
			const { perMinute } = await trx
				.selectFrom('mailServer')
				.select('perMinute')
				.forUpdate()
				.executeTakeFirstOrThrow();
			if (perMinute === null) return 0;
			await sql`delete from mail_try where at <= now() - interval '1 minute'`.execute(trx);
			const { rows } = await sql<{ wait: number }>`
				select extract(epoch from at + interval '1 minute' - now())::float8 as wait
				from mail_try order by at desc offset ${perMinute - 1} limit 1`.execute(trx);
			if (rows[0]) return rows[0].wait;
			await trx.insertInto('mailTry').values({ at: new Date() }).execute();
			return 0;
		});
		if (seconds <= 0) return true;
		// Not all at once: a limit that is raised meanwhile counts at once.
		await sleep(Math.min(seconds * 1000 + 50, 2000), undefined, { signal: ending }).catch(() => undefined);
	}
	return false;
}

/** Notes how an attempt went, and with `nextTryAt` queues the next one. */
async function note(
	{ db, queue }: Parts,
	{ id }: Message,
	state: MessageState,
	values: Partial<Message>
): Promise<void> {
	await db.transaction().execute(async (trx) => {
		const noted = { nextTryAt: null, ...values, state };
		const row = await trx
			.updateTable('message')
			.set(noted)
			.where('id', '=', id)
			.returning('attempts')
			.executeTakeFirst();
		if (row && noted.nextTryAt) await queue(trx, { messageId: id, attempt: row.attempts }, noted.nextTryAt);
		await signal(trx, { kind: 'mailbox' });
		await publishDelivery(trx, id);
	});
}
