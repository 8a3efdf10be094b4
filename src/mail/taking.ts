import type { Selectable } from 'kysely';
import type { Logger } from 'pino';
import { z } from 'zod';
import { gatheringOf } from '../../emails/about.ts';
import { catalogue, isEmailName } from '../../emails/catalogue.ts';
import type { Db, Trx } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { transact } from '../database/transaction.ts';
import type { Env } from '../env.ts';
import { messagePlace } from '../vault/sealed.ts';
import type { Vault } from '../vault/vault.ts';
import { renderSubject } from './compose.ts';
import { getMailPortal, type MailJob } from './outbox.ts';
import { getTemplate } from './templates.ts';

/** What a job has to send: the message with what it was queued with, and with its like where it gathers. */

interface Parts {
	db: Db;
	env: Env;
	vault: Vault;
	log: Logger;
}

export type Message = Selectable<Tables['message']>;

const contentShape = z.record(z.string(), z.string());

/** A message that no attempt can bring out: its words are for the mailbox, and hold nothing of its content. */
export class UnsendableError extends Error {}

export const unreadableWords =
	'Not sent: what it was written with can’t be read any more. Whoever needs it has to ask for a new one.';

/** What the message was queued with. @throws {UnsendableError} also when it was emptied after sending. */
export function openContent(vault: Vault, { content }: Pick<Message, 'content'>): Record<string, string> {
	try {
		return contentShape.parse(JSON.parse(vault.decrypt(content ?? '', messagePlace)));
	} catch {
		// Not with its cause: what can't be parsed is quoted in there.
		throw new UnsendableError(unreadableWords);
	}
}

/** The message of the job, if this attempt is still to be made. */
export async function findQueued(db: Db, { messageId, attempt }: MailJob): Promise<Message | null> {
	const known = await db.selectFrom('message').selectAll().where('id', '=', messageId).executeTakeFirst();
	// Jobs of older versions have no number.
	return known?.state === 'queued' && known.attempts === (attempt ?? known.attempts) ? known : null;
}

/**
 * The message of the job, if this attempt is still to be made; one that gathers has taken up its like, but for those that
 * can't be read: each of them comes to nothing by itself, in its own attempt.
 */
export async function takeMessage(parts: Parts, job: MailJob): Promise<Message | null> {
	const known = await findQueued(parts.db, job);
	return known?.gatherKey ? transact(parts.db, (db) => takeGathered(db, parts, job)) : known;
}

async function takeGathered(db: Trx, { env, vault, log }: Parts, job: MailJob): Promise<Message | null> {
	const known = await findQueued(db, job);
	if (!known?.gatherKey) return known;
	const rows = await db
		.selectFrom('message')
		.selectAll()
		.where('gatherKey', '=', known.gatherKey)
		// Always in the same order: the job of another of them may be at this on another process.
		.orderBy('id')
		.forUpdate()
		.execute();
	if (!rows.some(({ id }) => id === known.id)) return null;
	const all = rows.toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime());
	const rule = isEmailName(known.template) ? gatheringOf(known.template) : undefined;
	const values: Partial<Message> = { gatherKey: null };
	const readable = all.flatMap((row) => {
		const props = findContent(vault, row);
		return props ? [{ id: row.id, props }] : [];
	});
	// By itself, where it can't be read itself or nothing else can.
	if (rule && readable.length > 1 && readable.some(({ id }) => id === known.id)) {
		const template = await getTemplate(db, rule.into);
		const portal = await getMailPortal(db, env.ORIGIN);
		try {
			const props = catalogue[rule.into].props.parse(rule.gather(readable.map((one) => one.props)));
			values.subject = renderSubject(rule.into, props, portal, template.subject);
			values.content = vault.encrypt(JSON.stringify(props), messagePlace);
			Object.assign(values, { template: rule.into, templateVersion: template.version });
		} catch {
			log.error({ messageId: known.id, template: known.template }, 'messages could not be gathered');
		}
		const others = readable.map(({ id }) => id).filter((id) => id !== known.id);
		if (values.template) await db.deleteFrom('message').where('id', 'in', others).execute();
	}
	return db
		.updateTable('message')
		.set(values.template ? values : { gatherKey: null })
		.where('id', '=', known.id)
		.returningAll()
		.executeTakeFirstOrThrow();
}

/** What the message was queued with, or null where it can't be read. */
export function findContent(vault: Vault, message: Pick<Message, 'content'>): Record<string, string> | null {
	try {
		return openContent(vault, message);
	} catch {
		return null;
	}
}
