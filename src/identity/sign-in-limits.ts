import { createHash } from 'node:crypto';
import type { Db, Trx } from '../database/database.ts';
import { clearLimits, type Bucket } from '../database/windows.ts';
import { hashToken } from './tokens.ts';

/**
 * What limits guesses at the password of an address. A browser that the account knows has a bucket of its own: nobody
 * elsewhere keeps its owner out of it, neither by the account's bucket nor by that of a shared address.
 */
export async function signInBuckets(
	db: Db,
	{ email, address, deviceToken }: { email: string; address: string; deviceToken: string | null }
): Promise<Bucket[]> {
	const about = createHash('sha256').update(email).digest('hex');
	const deviceHash = hashToken(deviceToken ?? '');
	const known = await db
		.selectFrom('knownDevice')
		.innerJoin('account', 'account.id', 'knownDevice.accountId')
		.select('deviceHash')
		.where('account.email', '=', email)
		.where('deviceHash', '=', deviceHash)
		.executeTakeFirst();
	const bucket = { max: 10, seconds: 900 };
	if (known) return [{ ...bucket, key: `sign-in:device:${about}:${deviceHash}` }];
	return [
		{ ...bucket, key: `sign-in:address:${address}`, max: 60 },
		{ ...bucket, key: `sign-in:account:${about}` }
	];
}

/** Whoever has proven the address begins anew, whatever others have tried. */
export async function clearSignInLimits(db: Trx, account: { id: string; email: string }): Promise<void> {
	const about = createHash('sha256').update(account.email).digest('hex');
	const devices = await db
		.selectFrom('knownDevice')
		.select('deviceHash')
		.where('accountId', '=', account.id)
		.execute();
	await clearLimits(db, [
		`sign-in:account:${about}`,
		...devices.map(({ deviceHash }) => `sign-in:device:${about}:${deviceHash}`)
	]);
}
