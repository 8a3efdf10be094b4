import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';
import { getMailServerRow, mailingOf } from '../mail/servers.ts';
import type { Vault } from '../vault/vault.ts';

export interface ProofParts {
	config: Pick<Env, 'SMTP_URL' | 'MAIL_FROM'>;
	vault: Vault;
}

/**
 * Whether the person's address is proven now; `impossible` where the portal sends no e-mail. Read here, since the
 * session was read before the transaction. Null for an account that isn't active.
 */
export async function findProof(
	{ config, vault }: ProofParts,
	db: Db,
	userId: string
): Promise<'given' | 'missing' | 'impossible' | null> {
	const account = await db
		.selectFrom('account')
		.select('emailVerifiedAt')
		.where('id', '=', userId)
		.where('status', '=', 'active')
		.executeTakeFirst();
	if (!account) return null;
	if (account.emailVerifiedAt) return 'given';
	return mailingOf(await getMailServerRow(db), { env: config, vault }).route ? 'missing' : 'impossible';
}
