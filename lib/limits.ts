/** Of a password, in characters: long enough that guessing is hopeless. */
export const passwordLength = { min: 10, max: 200 } as const;

/** Of the description of a product, in characters: some pages of Markdown. */
export const productDescriptionLength = 20_000;

/** How many plans a product has at most: they stand side by side. */
export const plansAtMost = 20;

/** The limits of an organization, in words: said before they bite, and when they do. */

/** How many credentials of an application work at once, with those that were replaced and have their last hours. */
export const maxActiveCredentials = 20;

export const sayCredentialLimit = `An application holds up to ${maxActiveCredentials} active credentials. Revoke one first.`;

export const sayApplicationLimit = (max: number): string =>
	`There are ${max.toLocaleString('en')} applications already, which is the most. Delete one that is no longer needed.`;

export type Limit = 'inviter' | 'day' | 'open' | 'members' | 'recipient';

/** How many invitations one person can send now, and which limit it is that allows no more. */
export type Allowance = {
	count: number;
	limit: Exclude<Limit, 'recipient'>;
	max: number;
	/** In how many seconds the limit begins anew; null where no time changes it. */
	wait: number | null;
};

export function waitInWords(seconds: number): string {
	const minutes = Math.max(1, Math.ceil(seconds / 60));
	if (minutes > 90) return `${Math.ceil(minutes / 60)} hours`;
	return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

const tooOften = (wait: number | null) =>
	`That was too often. Try again in ${wait === null ? 'a while' : waitInWords(wait)}.`;

/** Why nothing more is sent now. */
export function sayReached(limit: Limit, max: number, wait: number | null): string {
	const number = max.toLocaleString('en');
	const later = wait === null ? '' : ` Try again in ${waitInWords(wait)}.`;
	switch (limit) {
		case 'inviter':
			return `You have sent ${number} invitations within 10 minutes.${later}`;
		case 'day':
			return `The organization has sent ${number} invitations within a day.${later}`;
		case 'open':
			return `There are ${number} open invitations already. Revoke some that are no longer needed.`;
		case 'members':
			return `An organization holds up to ${number} members and open invitations.`;
		case 'recipient':
			return tooOften(wait);
	}
}

/** How many can be sent now, and why not more. */
export function sayAllowance({ count, limit, max, wait }: Allowance): string {
	if (count === 0) return sayReached(limit, max, wait);
	const number = max.toLocaleString('en');
	const why = {
		inviter: `one person sends up to ${number} within 10 minutes`,
		day: `an organization sends up to ${number} a day`,
		open: `an organization has up to ${number} open at once`,
		members: `an organization holds up to ${number} members and open invitations`
	}[limit];
	return `You can send ${count.toLocaleString('en')} ${count === 1 ? 'invitation' : 'invitations'} now: ${why}.`;
}
