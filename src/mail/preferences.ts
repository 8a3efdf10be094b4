import { timingSafeEqual } from 'node:crypto';
import { sql, type SqlBool } from 'kysely';
import type { Topic } from '#lib/topics.ts';
import { topicNames, topics } from '#lib/topics.ts';
import type { Db } from '../database/database.ts';
import type { Vault } from '../vault/vault.ts';

/** Which e-mails a person does without. */

/**
 * Those of the addresses, given as a JSON array, whose owners do without e-mails of this topic: they have said so, or not
 * asked for them where one has to. What portal admins chose about requests is in their account.
 */
export function selectUnwanting(db: Db, addresses: string, topic: Topic) {
	const optedOut = db.selectFrom('mailOptOut').select('accountId').where('topic', '=', topic);
	const optedIn = db.selectFrom('mailOptIn').select('accountId').where('topic', '=', topic);
	return db
		.selectFrom('account')
		.select('email')
		.where(sql<SqlBool>`email in (select jsonb_array_elements_text(${addresses}::text::jsonb))`)
		.where((eb) => {
			if (topic === 'requests') return eb('isNotified', '=', false);
			return topics[topic].isOnByDefault ? eb('id', 'in', optedOut) : eb('id', 'not in', optedIn);
		});
}

/** Whether the owner of this address wants e-mails of this topic. */
export const isWanted = async (db: Db, email: string, topic: Topic) =>
	(await selectUnwanting(db, JSON.stringify([email]), topic).executeTakeFirst()) === undefined;

const signed = (accountId: string, topic: Topic) => `unsubscribe ${accountId} ${topic}`;

/**
 * Lets whoever holds the message end messages of this topic to this account, and nothing else; so it needs no expiry
 * and is stored nowhere.
 */
export const unsubscribeToken = (vault: Vault, accountId: string, topic: Topic) =>
	`${accountId}.${topic}.${vault.lookupHash(signed(accountId, topic))}`;

/** What the token is for, or null when it isn't one of ours. */
export function readUnsubscribeToken(
	vault: Vault,
	token: string
): { accountId: string; topic: Topic } | null {
	const [accountId = '', name = '', signature = ''] = token.split('.');
	const topic = topicNames.find((one) => one === name);
	if (!topic) return null;
	const given = Buffer.from(signature);
	const isRight = vault.lookupHashes(signed(accountId, topic)).some((hash) => {
		const right = Buffer.from(hash);
		return given.length === right.length && timingSafeEqual(given, right);
	});
	return isRight ? { accountId, topic } : null;
}
