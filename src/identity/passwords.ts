import { hash, verify } from '@node-rs/argon2';
import limitConcurrency from 'p-limit';
import { remember } from '#lib/remembered.ts';

/** Each hash holds 19 MiB for some 15 ms: more at once than this would only queue in memory. */
const atOnce = limitConcurrency(4);

// Argon2id with the parameters of the OWASP Password Storage Cheat Sheet.
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Argon2id (RFC 9106) of a password, composed (NFC). Never call it inside a transaction. */
export function hashPassword(password: string): Promise<string> {
	return atOnce(() => hash(password.normalize('NFC'), options));
}

/**
 * The ways in which keyboards write the same password, since systems differ in which one they send (RFC 8265): composed, as
 * it is hashed, and as older hashes may have it. One for what has no accents.
 */
const formsOf = (password: string) =>
	new Set([password.normalize('NFC'), password, password.normalize('NFD')]);

const decoys = new Map<'decoy', Promise<string>>();

/**
 * Whether the password belongs to the hash. Without a hash it takes the same time and says no: how often is hashed hangs
 * on what was typed alone.
 */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
	// Made for the first call, whichever that is, and awaited by all.
	const decoy = await remember(decoys, 'decoy', () => hashPassword('nobody has this password'));
	const known = passwordHash ?? decoy;
	for (const form of formsOf(password)) {
		const isRight = await atOnce(() => verify(known, form));
		if (isRight) return passwordHash !== undefined;
	}
	return false;
}
