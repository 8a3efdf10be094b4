import type { Selectable } from 'kysely';
import type { Db, Trx } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { createToken, hashToken } from './tokens.ts';

/**
 * Links that are mailed to an address to prove it: of each kind an account has one, the newest, which works once.
 * `verification` proves the account's own address, `change` the one that it is to have, `reset` lets a new password be set.
 */
export type LinkKind = Selectable<Tables['accountLink']>['kind'];

const minutes: Record<LinkKind, number> = { verification: 7 * 24 * 60, change: 24 * 60, reset: 60 };

/** The state that the link's page shows. */
export type LinkState = 'valid' | 'invalid' | 'used' | 'expired';

/** Makes the link and returns its token, which only the e-mail may hold; the older one is dead. */
export async function createLink(db: Db, kind: LinkKind, accountId: string, email: string): Promise<string> {
	const token = createToken();
	const values = {
		accountId,
		kind,
		email,
		tokenHash: hashToken(token),
		expiresAt: new Date(Date.now() + minutes[kind] * 60_000),
		usedAt: null
	};
	await db
		.insertInto('accountLink')
		.values(values)
		.onConflict((conflict) => conflict.columns(['accountId', 'kind']).doUpdateSet(values))
		.execute();
	return token;
}

/** The link with its account, in whatever state, or null for a token that is none. */
export async function findLink(db: Db, kinds: readonly LinkKind[], token: string) {
	const row = await db
		.selectFrom('accountLink')
		.innerJoin('account', 'account.id', 'accountLink.accountId')
		.select([
			'accountLink.accountId',
			'accountLink.kind',
			'accountLink.email',
			'accountLink.expiresAt',
			'accountLink.usedAt',
			'account.email as accountEmail',
			'account.firstName',
			'account.lastName',
			'account.status'
		])
		.where('accountLink.tokenHash', '=', hashToken(token))
		.where('accountLink.kind', 'in', kinds)
		.executeTakeFirst();
	if (!row) return null;
	// A mailbox that is no longer the account's opens nothing.
	if (row.kind !== 'change' && row.email !== row.accountEmail) return null;
	if (row.status === 'rejected' || row.status === 'deactivated') return null;
	const isOver = row.expiresAt.getTime() <= Date.now();
	return {
		...row,
		state: row.usedAt ? ('used' as const) : isOver ? ('expired' as const) : ('valid' as const)
	};
}

export type Link = NonNullable<Awaited<ReturnType<typeof findLink>>>;

/** Takes links of a kind back. One that was used is dead already, and its page says so. */
export async function deleteLinks(db: Trx, accountId: string, kinds: readonly LinkKind[]): Promise<void> {
	await db
		.deleteFrom('accountLink')
		.where('accountId', '=', accountId)
		.where('kind', 'in', kinds)
		.where('usedAt', 'is', null)
		.execute();
}
