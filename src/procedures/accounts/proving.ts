import type { Db, Trx } from '../../database/database.ts';
import { findLink, type LinkKind, type Link, type LinkState } from '../../identity/links.ts';
import { Refusal } from '../../api/refusals.ts';
import { hashToken } from '../../identity/tokens.ts';

const reasons: Record<Exclude<LinkState, 'valid'>, string> = {
	invalid: 'This link is not valid, or a newer one has replaced it.',
	used: 'This link has been used already.',
	expired: 'This link has expired.'
};

/** @throws {Refusal} unless the link can be used. */
export async function getValidLink(db: Db, kinds: readonly LinkKind[], token: string): Promise<Link> {
	const link = await findLink(db, kinds, token);
	const state = link?.state ?? 'invalid';
	if (link && state === 'valid') return link;
	const words = state === 'valid' ? reasons.invalid : reasons[state];
	throw new Refusal(state === 'invalid' ? 'NOT_FOUND' : 'CONFLICT', `LINK_${state.toUpperCase()}`, words);
}

/**
 * Uses the link up. Call under the lock of the account: of many who use it at once, the first one does.
 * @throws {Refusal} unless it is valid still.
 */
export async function useLink(db: Trx, kinds: readonly LinkKind[], token: string): Promise<Link> {
	const link = await getValidLink(db, kinds, token);
	await db
		.updateTable('accountLink')
		.set({ usedAt: new Date() })
		.where('tokenHash', '=', hashToken(token))
		.execute();
	return link;
}
