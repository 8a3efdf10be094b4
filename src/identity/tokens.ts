import { hash, randomBytes } from 'node:crypto';

/** A new opaque token of 256 random bits, base64url. Only its hash may be stored. */
export function createToken(): string {
	return randomBytes(32).toString('base64url');
}

/** SHA-256 of a token in hexadecimal: enough for 256 random bits, where a slow hash would add nothing. */
export function hashToken(token: string): string {
	return hash('sha256', token, 'hex');
}
