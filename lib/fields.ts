import { contrastOf, leastContrast } from './colors.ts';
import { z } from './schema.ts';

/** What people type, checked in one place; the messages are shown at the field. */

const unseen = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;
const address = /:\/\/|\bwww\./i;
/** A word, a full stop and a word: mail programs turn it into a link that nobody of us wrote. */
const linkLike = /[\p{L}\p{N}-]{2,}\.[a-z]{2,}/iu;

const words = (label: string, max: number) =>
	z
		.string({ error: `${label} is missing.` })
		.trim()
		.min(1, `${label} is missing.`)
		.max(max, `${label} has more than ${max} characters.`)
		.refine((text) => !unseen.test(text), `${label} has characters that can't be seen.`)
		.refine((text) => !address.test(text), `${label} can't hold a web address.`);

const personName = (label: string) =>
	words(label, 60).refine((text) => !linkLike.test(text), `${label} can't look like a web address.`);

export const firstName = personName('The first name');
export const lastName = personName('The last name');
export const organizationName = words('The organization name', 80);
export const applicationName = words('The application name', 80);
export const credentialLabel = words('The label', 60);

export const portalName = words('The portal name', 60);

const wholeNumber = (label: string, min: number, max: number) => {
	const message = `${label} is a whole number from ${min} to ${max.toLocaleString('en')}.`;
	return z.number({ error: message }).int(message).min(min, message).max(max, message);
};
export const invitationDays = wholeNumber('The lifetime in days', 1, 30);
export const maxMembers = wholeNumber('The limit', 1, 10_000);
export const invitationLimit = wholeNumber('The limit', 1, 10_000);
export const maxApplications = wholeNumber('The limit', 1, 10_000);
/** Never so few that nobody could raise it again. */
export const changesPerMinute = wholeNumber('The limit', 60, 100_000);

const paragraph = (label: string, max: number) =>
	z
		.string()
		.trim()
		.max(max, `${label} has more than ${max} characters.`)
		.refine(
			(text) => !unseen.test(text.replace(/[\r\n\t]/g, ' ')),
			`${label} has characters that can't be seen.`
		);

export const versionNote = paragraph('The note', 200);
export const emailFooter = paragraph('The footer', 500).refine(
	(text) => !address.test(text),
	'The footer can’t hold a web address.'
);
/** What is white on it has to be read. */
export const accentColor = z
	.string()
	.toLowerCase()
	.regex(/^#[\da-f]{6}$/, 'The colour is written as # and six digits, such as #4f46e5.')
	.refine((color) => contrastOf(color, '#ffffff') >= leastContrast, {
		error: ({ input }) =>
			`White text on this colour has a contrast of ${contrastOf(String(input), '#ffffff').toFixed(1)} to 1; it needs ${leastContrast}. Take a darker one.`
	});
export const description = paragraph('The description', 500);
export const rejectionReason = paragraph('The reason', 500);

/** Long enough that guessing is hopeless; which characters is the person's own affair. */
export const passwordLength = { min: 10, max: 200 } as const;
export const password = z
	.string({ error: 'The password is missing.' })
	.min(passwordLength.min, `The password needs at least ${passwordLength.min} characters.`)
	.max(passwordLength.max, `The password has more than ${passwordLength.max} characters.`);

/**
 * The one form of an e-mail address that is stored and compared: trimmed, lower case, an international domain in its
 * ASCII form (Punycode, RFC 3492). Null for what is not an address, also for everything that is not ASCII before the @.
 */
export function normalizeEmail(text: string): string | null {
	const parts = text.trim().split('@');
	const [local, domain] = parts;
	if (parts.length !== 2 || !local || !domain || text.length > 254 || local.length > 64) return null;
	if (!/^[a-z0-9!#$%&*+/=?^_{|}~-]+(\.[a-z0-9!#$%&*+/=?^_{|}~-]+)*$/i.test(local)) return null;
	// These two change into other letters with the case, depending on the language.
	if (/[\u0130\u0131]/.test(domain) || domain.normalize('NFKC') !== domain) return null;
	if (!URL.canParse(`http://${domain}`)) return null;
	const ascii = new URL(`http://${domain}`).hostname;
	if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(ascii)) return null;
	return `${local.toLowerCase()}@${ascii}`;
}

export const email = z.string({ error: 'The e-mail address is missing.' }).transform((text, context) => {
	const normal = normalizeEmail(text);
	if (normal) return normal;
	const message = text.trim()
		? 'This is not an e-mail address that mail can be sent to.'
		: 'The e-mail address is missing.';
	context.addIssue({ code: 'custom', message });
	return z.NEVER;
});
