import type { Db } from '../database/database.ts';
import { findLink } from '../identity/links.ts';
import { hashToken } from '../identity/tokens.ts';

/**
 * Whether the secret links of a message still lead somewhere. A message that has waited, or that somebody wants to send
 * again, must not bring a link that was revoked or replaced meanwhile, or is over.
 */
async function isGood(db: Db, kind: string, token: string): Promise<boolean> {
	if (kind === 'invitations') {
		const invitation = await db
			.selectFrom('invitation')
			.select('id')
			.where('tokenHash', '=', hashToken(token))
			.where('state', '=', 'pending')
			.where('expiresAt', '>', new Date())
			.executeTakeFirst();
		return invitation !== undefined;
	}
	if (kind === 'verify-email' || kind === 'reset-password') {
		const link = await findLink(db, ['verification', 'change', 'reset'], token);
		return link?.state === 'valid';
	}
	return true;
}

/** @param values the message's variables, one of which may be such a link. */
export async function hasDeadLink(db: Db, values: object, origin: string): Promise<boolean> {
	for (const value of Object.values(values)) {
		if (typeof value !== 'string' || !value.startsWith(`${origin}/`)) continue;
		// What is no address leads nowhere, and is none of ours.
		if (!URL.canParse(value)) continue;
		const [, kind = '', token = ''] = new URL(value).pathname.split('/');
		if (token && !(await isGood(db, kind, token))) return true;
	}
	return false;
}

export const deadLinkWords = 'Not sent: the link in it is over, or was revoked or replaced by a newer one.';
