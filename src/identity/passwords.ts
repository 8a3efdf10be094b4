import { hash, verify } from '@node-rs/argon2';
import limitConcurrency from 'p-limit';
import { remember } from '#lib/remembered.ts';

/** Each hash holds 19 MiB for some 15 ms: more at once than this would only queue in memory. */
const atOnce = limitConcurrency(4);

// Argon2id with the parameters of the OWASP Password Storage Cheat Sheet.
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Argon2id (RFC 9106) of a password. Never call it inside a transaction. */
export function hashPassword(password: string): Promise<string> {
	return atOnce(() => hash(password, options));
}

const decoys = new Map<'decoy', Promise<string>>();

/** Whether the password belongs to the hash. Without a hash it takes the same time and says no. */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
	// Made for the first call, whichever that is, and awaited by all.
	const decoy = await remember(decoys, 'decoy', () => hashPassword('nobody has this password'));
	const known = passwordHash ?? decoy;
	const isRight = await atOnce(() => verify(known, password));
	return passwordHash !== undefined && isRight;
}
