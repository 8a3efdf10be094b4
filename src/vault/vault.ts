import {
	createCipheriv,
	createDecipheriv,
	createHash,
	createHmac,
	createSecretKey,
	hkdfSync,
	randomBytes
} from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';

/**
 * Keeps credentials. A key reads `ptk_` + 43 base64url characters (256 random bits) + 6 characters of checksum. It is
 * stored encrypted by AES-256-GCM (NIST SP 800-38D) and found by HMAC-SHA-256 (RFC 2104) with a key of its own.
 */
export interface Vault {
	/** Encrypts for the place that `context` names: a text moved to another place doesn't decrypt. */
	encrypt(plain: string, context: string): string;
	/** @throws {Error} when the text was changed, comes from another place or its key is not configured. */
	decrypt(sealed: string, context: string): string;
	/** The keyed hash by which a presented key is looked up. */
	lookupHash(secret: string): string;
}

export const keyPrefix = 'ptk_';

const checksumOf = (body: string) =>
	createHash('sha256').update(`${keyPrefix}${body}`).digest('base64url').slice(0, 6);

/** A new API key. */
export function createKey(): string {
	const body = randomBytes(32).toString('base64url');
	return `${keyPrefix}${body}${checksumOf(body)}`;
}

/** Whether a text can be one of our keys: its form and its checksum are right. */
export function isKey(text: string): boolean {
	const [, body = '', checksum] = /^ptk_([\w-]{43})([\w-]{6})$/.exec(text) ?? [];
	return checksum !== undefined && checksum === checksumOf(body);
}

/**
 * @param encryptionKeys base64 of 32 bytes each; the first encrypts, all decrypt.
 * @param lookupKey base64 of 32 bytes.
 */
export function createVault(encryptionKeys: string[], lookupKey: string): Vault {
	const keys = new Map(
		encryptionKeys.map((text) => {
			const root = Buffer.from(text, 'base64');
			const id = createHash('sha256').update('portico key id').update(root).digest('hex').slice(0, 8);
			const bytes = Buffer.from(hkdfSync('sha256', root, '', 'portico encryption', 32));
			// Made ready once: of bytes each text would make it anew, which takes longer than encrypting one.
			return [id, createSecretKey(bytes)];
		})
	);
	const [current] = keys;
	if (!current) throw new Error('There is no encryption key.');
	const lookup = Buffer.from(hkdfSync('sha256', Buffer.from(lookupKey, 'base64'), '', 'portico lookup', 32));
	return {
		encrypt(plain, context) {
			const [id, key] = current;
			const nonce = randomBytes(12);
			const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
			const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
			return `1.${id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
		},
		decrypt(sealed, context) {
			const [, id = '', nonce = '', body = ''] = sealed.split('.');
			const key = keys.get(id);
			if (!key) throw new Error('The key that this was encrypted with is not configured.');
			const bytes = Buffer.from(body, 'base64url');
			const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
				authTagLength: 16
			})
				.setAAD(Buffer.from(context))
				.setAuthTag(bytes.subarray(-16));
			return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
		},
		lookupHash: (secret) => createHmac('sha256', lookup).update(secret).digest('hex')
	};
}

const secretsFile = z.strictObject({ encryptionKey: z.string(), lookupKey: z.string() });

/** The vault with the keys of the environment, or with those in `secrets.json`, generated at the first start. */
export function openVault(env: Pick<Env, 'DATA_FOLDER' | 'ENCRYPTION_KEY' | 'LOOKUP_KEY'>): Vault {
	if (env.ENCRYPTION_KEY && env.LOOKUP_KEY) return createVault(env.ENCRYPTION_KEY, env.LOOKUP_KEY);
	const file = path.join(env.DATA_FOLDER, 'secrets.json');
	if (!existsSync(file)) {
		mkdirSync(env.DATA_FOLDER, { recursive: true, mode: 0o700 });
		const generate = () => randomBytes(32).toString('base64');
		const secrets = { encryptionKey: generate(), lookupKey: generate() };
		writeFileSync(file, `${JSON.stringify(secrets, null, '\t')}\n`, { mode: 0o600, flag: 'wx' });
	}
	chmodSync(file, 0o600);
	const secrets = secretsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
	return createVault(env.ENCRYPTION_KEY ?? [secrets.encryptionKey], env.LOOKUP_KEY ?? secrets.lookupKey);
}

/**
 * Compares the keys with those that the database was first used with, before anything is written with wrong ones.
 * @throws {Error} when they differ.
 */
export async function checkKeys(db: Db, vault: Vault): Promise<void> {
	const proof = vault.lookupHash('portico key check');
	const sealed = vault.encrypt(proof, 'key check');
	await db.updateTable('portal').set({ keyCheck: sealed }).where('keyCheck', 'is', null).execute();
	const { keyCheck } = await db.selectFrom('portal').select('keyCheck').executeTakeFirstOrThrow();
	try {
		if (keyCheck && vault.decrypt(keyCheck, 'key check') === proof) return;
	} catch (error) {
		throw wrongKeys(error);
	}
	throw wrongKeys();
}

const wrongKeys = (cause?: unknown) =>
	new Error(
		'The encryption keys are not those that this database was first used with. Give the old ones back (ENCRYPTION_KEY and LOOKUP_KEY, or secrets.json in DATA_FOLDER).',
		{ cause }
	);
