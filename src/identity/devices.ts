import Bowser from 'bowser';
import type { Db, Trx } from '../database/database.ts';

/**
 * Where people are signed in from, in words, and the e-mail about a new device.
 *
 * A browser is known by a cookie of its own that outlives its sessions; an account knows it from its first sign-in
 * there, by the cookie's hash. Not by the browser's kind and its network: whoever knows a password often sits in the
 * same office as its owner, and phones change networks all day. The price is a message to people whose browser forgets
 * its cookies. The first device of an account is nothing new.
 */
const knownDays = 400;
/** More than anybody has: those seen longest ago are forgotten. */
const maxDevices = 100;

const isOf = (map: Record<string, string>, name: string | undefined) =>
	name !== undefined && Object.values(map).includes(name);

/** Such as “Firefox on Windows”. Only names that the parser knows: the rest of a user agent is whatever a client wrote. */
export function describeDevice(userAgent: string): string {
	if (!userAgent) return 'Unknown browser';
	const { browser, os } = Bowser.parse(userAgent.slice(0, 500));
	const browserName = isOf(Bowser.BROWSER_MAP, browser.name) ? browser.name : 'Unknown browser';
	return isOf(Bowser.OS_MAP, os.name) ? `${browserName} on ${os.name}` : `${browserName}`;
}

/** The cookie's name and attributes; see sessionCookie. */
export function deviceCookie(origin: string) {
	const isSecure = origin.startsWith('https:');
	return {
		name: isSecure ? '__Host-portico_device' : 'portico_device',
		options: {
			path: '/',
			httpOnly: true,
			secure: isSecure,
			sameSite: 'Lax',
			maxAge: knownDays * 86_400
		} as const
	};
}

/** Whether the device is new to an account that knows others; from now on it is known. */
export async function noteDevice(db: Trx, accountId: string, deviceHash: string): Promise<boolean> {
	const known = await db
		.selectFrom('knownDevice')
		.select((eb) => eb('deviceHash', '=', deviceHash).as('isThis'))
		.where('accountId', '=', accountId)
		.orderBy('isThis', 'desc')
		.limit(1)
		.executeTakeFirst();
	await db
		.insertInto('knownDevice')
		.values({ accountId, deviceHash })
		.onConflict((conflict) =>
			conflict.columns(['accountId', 'deviceHash']).doUpdateSet({ seenAt: new Date() })
		)
		.execute();
	const forgotten = db
		.selectFrom('knownDevice')
		.select('deviceHash')
		.where('accountId', '=', accountId)
		.orderBy('seenAt', 'desc')
		.offset(maxDevices);
	await db
		.deleteFrom('knownDevice')
		.where('accountId', '=', accountId)
		.where('deviceHash', 'in', forgotten)
		.execute();
	return known !== undefined && !known.isThis;
}

/** Whoever signed in before the owner of the address came has never been known. */
export async function forgetDevices(db: Trx, accountId: string, keptHash: string | null): Promise<void> {
	await db
		.deleteFrom('knownDevice')
		.where('accountId', '=', accountId)
		.$if(keptHash !== null, (query) => query.where('deviceHash', '!=', keptHash ?? ''))
		.execute();
}

/** Devices whose cookie is over. */
export async function deleteExpiredDevices(db: Db): Promise<void> {
	const oldest = new Date(Date.now() - knownDays * 86_400_000);
	await db.deleteFrom('knownDevice').where('seenAt', '<', oldest).execute();
}
