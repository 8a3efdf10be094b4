import { sql } from 'kysely';
import type { Db } from '../database/database.ts';
import type { Vault } from './vault.ts';

/** What the database holds to tell whether somebody brings its own keys, and which keys have been replaced for good. */
export const checkPlace = 'key check';
const proofOf = (hash: (secret: string) => string) => hash('portico key check');

/** @param retired ids of keys that nothing may be written with any more. */
export const sealCheck = (vault: Vault, retired: readonly string[]) =>
	vault.encrypt([proofOf(vault.lookupHash), ...retired].join(' '), checkPlace);

/** Whether the check was made with the keys that come first, by kind; of a check that {@link openCheck} has opened. */
export function isUnderFirst(vault: Vault, sealed: string): Record<'encryption' | 'lookup', boolean> {
	const [proof] = vault.decrypt(sealed, checkPlace).split(' ');
	return { encryption: vault.isCurrent(sealed), lookup: proof === proofOf(vault.lookupHash) };
}

/** The keys that have been replaced for good. @throws {Error} when the check was made with other keys than these. */
export function openCheck(vault: Vault, sealed: string): string[] {
	let opened: string;
	try {
		opened = vault.decrypt(sealed, checkPlace);
	} catch (error) {
		throw wrongKeys(error);
	}
	const [proof = '', ...retired] = opened.split(' ');
	if (!vault.lookupHashes('portico key check').includes(proof)) throw wrongKeys();
	return retired;
}

/**
 * Compares the keys with those that the database was first used with, before anything is written with wrong ones.
 * @throws {Error} when they differ, or when the ones that would write have been replaced.
 */
export async function checkKeys(db: Db, vault: Vault): Promise<void> {
	const sealed = sealCheck(vault, []);
	await db.updateTable('portal').set({ keyCheck: sealed }).where('keyCheck', 'is', null).execute();
	// Behind a rotation that is about to end.
	const { rows } = await sql<{ keyCheck: string | null }>`select key_check from portal for share`.execute(db);
	const retired = openCheck(vault, rows[0]?.keyCheck ?? '');
	const { encryption, lookup } = vault.keyIds;
	for (const [name, [first = '']] of [
		['ENCRYPTION_KEY', encryption],
		['LOOKUP_KEY', lookup]
	] as const) {
		if (!retired.includes(first)) continue;
		throw new Error(
			`The first key of ${name} was replaced by “npm run rotate-encryption-key”: nothing may be written with it any more. Put the new one first, or drop the old one.`
		);
	}
}

const wrongKeys = (cause?: unknown) =>
	new Error(
		'The encryption keys are not those that this database was first used with. Give the old ones back (ENCRYPTION_KEY and LOOKUP_KEY, or secrets.json in DATA_FOLDER).',
		{ cause }
	);
