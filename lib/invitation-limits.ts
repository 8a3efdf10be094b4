import { waitInWords } from './dates.ts';
import { sayNumber } from './numbers.ts';

/** What limits invitations, in words: said before it bites, and when it does. */

export type InvitationLimit = 'inviter' | 'day' | 'open' | 'members' | 'recipient';

/** How many invitations one person can send now, and which limit it is that allows no more. */
export type Allowance = {
	count: number;
	limit: Exclude<InvitationLimit, 'recipient'>;
	max: number;
	/** In how many seconds the limit begins anew; null where no time changes it. */
	wait: number | null;
};

const tooOften = (wait: number | null) =>
	`That was too often. Try again in ${wait === null ? 'a while' : waitInWords(wait)}.`;

/** Why nothing more is sent now. */
export function sayInvitationLimit(limit: InvitationLimit, max: number, wait: number | null): string {
	const number = sayNumber(max);
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
	if (count === 0) return sayInvitationLimit(limit, max, wait);
	const number = sayNumber(max);
	const why = {
		inviter: `one person sends up to ${number} within 10 minutes`,
		day: `an organization sends up to ${number} a day`,
		open: `an organization has up to ${number} open at once`,
		members: `an organization holds up to ${number} members and open invitations`
	}[limit];
	return `You can send ${sayNumber(count)} ${count === 1 ? 'invitation' : 'invitations'} now: ${why}.`;
}
