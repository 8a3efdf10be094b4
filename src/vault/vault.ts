import {
	createCipheriv,
	createDecipheriv,
	createHash,
	createHmac,
	createSecretKey,
	hash,
	hkdfSync,
	randomBytes,
	type KeyObject
} from 'node:crypto';
import {
	chmodSync,
	closeSync,
	existsSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	writeSync
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
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
	/** The keyed hash under which a key is kept. */
	lookupHash(secret: string): string;
	/** The hashes under which it may be kept: also those of keys that are being replaced. The first is {@link lookupHash}. */
	lookupHashes(secret: string): string[];
	/** Whether a text was encrypted with the key that encrypts now. */
	isCurrent(sealed: string): boolean;
	/** What the keys are known by, the ones that write first; says nothing of the keys themselves. */
	keyIds: { encryption: string[]; lookup: string[] };
}

export const keyPrefix = 'ptk_';

const checksumOf = (body: string) => hash('sha256', `${keyPrefix}${body}`, 'base64url').slice(0, 6);

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

const idOf = (root: Buffer) =>
	createHash('sha256').update('portico key id').update(root).digest('hex').slice(0, 8);

/**
 * @param encryptionKeys base64 of 32 bytes each; the first encrypts, all decrypt.
 * @param lookupKeys base64 of 32 bytes each; what is new is kept under the first, and found under all.
 */
export function createVault(encryptionKeys: string[], lookupKeys: string[]): Vault {
	const keys = new Map(
		encryptionKeys.map((text) => {
			const root = Buffer.from(text, 'base64');
			const id = idOf(root);
			const bytes = Buffer.from(hkdfSync('sha256', root, '', 'portico encryption', 32));
			// Made ready once: of bytes each text would make it anew, which takes longer than encrypting one.
			return [id, createSecretKey(bytes)];
		})
	);
	const [current] = keys;
	if (!current) throw new Error('There is no encryption key.');
	const lookups = lookupKeys.map((text) => {
		const root = Buffer.from(text, 'base64');
		const bytes = Buffer.from(hkdfSync('sha256', root, '', 'portico lookup', 32));
		return { id: idOf(root), key: createSecretKey(bytes) };
	});
	const [lookup] = lookups;
	if (!lookup) throw new Error('There is no lookup key.');
	const hashWith = (key: KeyObject, secret: string) => createHmac('sha256', key).update(secret).digest('hex');
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
		lookupHash: (secret) => hashWith(lookup.key, secret),
		lookupHashes: (secret) => lookups.map(({ key }) => hashWith(key, secret)),
		isCurrent: (sealed) => sealed.startsWith(`1.${current[0]}.`),
		keyIds: { encryption: [...keys.keys()], lookup: lookups.map(({ id }) => id) }
	};
}

const secretsFile = z.strictObject({ encryptionKey: z.string(), lookupKey: z.string() });
export type Secrets = z.infer<typeof secretsFile>;

const secretsIn = (folder: string) => path.join(folder, 'secrets.json');

/** The generated keys, as the variables would hold them: several separated by commas; null where there are none. */
export function readSecrets(folder: string): Secrets | null {
	const file = secretsIn(folder);
	if (!existsSync(file)) return null;
	chmodSync(file, 0o600);
	return secretsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** As a whole or not at all: whoever loses a key loses what is encrypted with it. */
export function writeSecrets(folder: string, secrets: Secrets): void {
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const file = secretsIn(folder);
	const draft = openSync(`${file}.new`, 'w', 0o600);
	try {
		writeSync(draft, `${JSON.stringify(secrets, null, '\t')}\n`);
		fsyncSync(draft);
	} finally {
		closeSync(draft);
	}
	renameSync(`${file}.new`, file);
}

export const generateKey = () => randomBytes(32).toString('base64');

/** The vault with the keys of the environment, or with those in `secrets.json`, generated at the first start. */
export function openVault(env: Pick<Env, 'DATA_FOLDER' | 'ENCRYPTION_KEY' | 'LOOKUP_KEY'>): Vault {
	if (env.ENCRYPTION_KEY && env.LOOKUP_KEY) return createVault(env.ENCRYPTION_KEY, env.LOOKUP_KEY);
	let secrets = readSecrets(env.DATA_FOLDER);
	if (!secrets) {
		secrets = { encryptionKey: generateKey(), lookupKey: generateKey() };
		writeSecrets(env.DATA_FOLDER, secrets);
	}
	return createVault(
		env.ENCRYPTION_KEY ?? secrets.encryptionKey.split(','),
		env.LOOKUP_KEY ?? secrets.lookupKey.split(',')
	);
}
