import { sayNumber } from './numbers.ts';

/** Of a password, in characters: long enough that guessing is hopeless. */
export const passwordLength = { min: 10, max: 200 } as const;

/** Of the description of a product, in characters: some pages of Markdown. */
export const productDescriptionLength = 20_000;

/** How many plans a product has at most: they stand side by side. */
export const plansAtMost = 20;

/** How many credentials of an application work at once, with those that were replaced and have their last hours. */
export const maxActiveCredentials = 20;

export const sayCredentialLimit = `An application holds up to ${maxActiveCredentials} active credentials. Revoke one first.`;

export const sayApplicationLimit = (max: number): string =>
	`There are ${sayNumber(max)} applications already, which is the most. Delete one that is no longer needed.`;
