import { timingSafeEqual } from 'node:crypto';
import type { Topic } from '#lib/topics.ts';
import { topicNames } from '#lib/topics.ts';
import type { Db } from './database.ts';
import type { Vault } from './vault.ts';

/** Which e-mails a person does without. */

/** Whether the person wants e-mails of this topic. What portal admins chose about requests is in their account. */
export async function isWanted(db: Db, accountId: string, topic: Topic): Promise<boolean> {
	if (topic === 'requests') {
		const row = await db
			.selectFrom('account')
			.select('isNotified')
			.where('id', '=', accountId)
			.executeTakeFirst();
		return row?.isNotified ?? false;
	}
	const row = await db
		.selectFrom('mailOptOut')
		.select('topic')
		.where('accountId', '=', accountId)
		.where('topic', '=', topic)
		.executeTakeFirst();
	return row === undefined;
}

const signatureOf = (vault: Vault, accountId: string, topic: Topic) =>
	vault.lookupHash(`unsubscribe ${accountId} ${topic}`);

/**
 * Lets whoever holds the message end messages of this topic to this account, and nothing else; so it needs no expiry
 * and is stored nowhere.
 */
export const unsubscribeToken = (vault: Vault, accountId: string, topic: Topic) =>
	`${accountId}.${topic}.${signatureOf(vault, accountId, topic)}`;

/** What the token is for, or null when it isn't one of ours. */
export function readUnsubscribeToken(
	vault: Vault,
	token: string
): { accountId: string; topic: Topic } | null {
	const [accountId = '', name = '', signature = ''] = token.split('.');
	const topic = topicNames.find((one) => one === name);
	if (!topic) return null;
	const [given, right] = [signature, signatureOf(vault, accountId, topic)].map((text) => Buffer.from(text));
	if (!given || !right || given.length !== right.length || !timingSafeEqual(given, right)) return null;
	return { accountId, topic };
}
