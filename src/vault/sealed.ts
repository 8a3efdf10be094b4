/**
 * Every column that holds what the vault has encrypted, and the place that each text was encrypted for: what a new key
 * has to come to. A test looks through all tables for others.
 */
export interface Sealed {
	table: 'credential' | 'message' | 'mail_server';
	/** By which its rows are gone through. */
	key: string;
	column: string;
	/** Beside it, the keyed hash by which the same text is found. */
	hash?: string;
	placeOf: (key: string) => string;
	/** In the words of whoever waits for the end. */
	label: string;
}

export const credentialPlace = (id: string) => `credential:${id}`;
export const messagePlace = 'message';
export const passwordPlace = 'mail server password';
export const dkimPlace = 'mail server dkim key';

export const sealed: readonly Sealed[] = [
	{
		table: 'credential',
		key: 'id',
		column: 'secret',
		hash: 'lookup_hash',
		placeOf: credentialPlace,
		label: 'credentials'
	},
	{ table: 'message', key: 'id', column: 'content', placeOf: () => messagePlace, label: 'e-mails' },
	{
		table: 'mail_server',
		key: 'id',
		column: 'password',
		placeOf: () => passwordPlace,
		label: 'password of the mail server'
	},
	{
		table: 'mail_server',
		key: 'id',
		column: 'dkim_key',
		placeOf: () => dkimPlace,
		label: 'DKIM key'
	}
];
