import { contrastOf, leastContrast } from './colors.ts';
import { passwordLength } from './password-length.ts';
import { text, z } from './schema.ts';

/** What people type, checked in one place; the messages are shown at the field. */

// Control characters, marks of direction, what stands for nothing (private, unassigned, placeholders of objects), and
// symbols that are blank.
const unseen =
	/[\p{Cc}\p{Co}\p{Cn}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\u2800\ufeff\ufff9-\ufffc\u{1d159}]/u;
const address = /:\/\/|\bwww\./i;
/** Code points that fonts leave out: soft hyphens, joiners, fillers, variation selectors, signs that only join letters. */
const ignorable =
	/[\p{Default_Ignorable_Code_Point}\p{Cf}\u1a60\u2d7f\u{10a3f}\u{1107f}\u{11a47}\u{11a99}\u{11d45}\u{11d97}\u{16fe4}]/gu;

/** The text without what nobody sees of it. */
export const withoutIgnorable = (text: string) => text.replace(ignorable, '');

/** Whether there is a letter, a digit or a symbol that somebody can see. */
const isVisible = (text: string) => /[\p{L}\p{N}\p{S}]/u.test(withoutIgnorable(text));

/** What mail programs take for a link that nobody of us wrote: each looks for one kind. */
const linkLike = [
	// A word, a full stop and a word, of whatever script.
	/[\p{L}\p{M}\p{N}-]{2}\.\p{L}[\p{L}\p{M}]/iu,
	// A single letter, as of a person's second name, only before what ends the best-known short addresses.
	/[\p{L}\p{M}\p{N}]\.(?:ai|app|co|com|de|dev|eu|info|io|ly|me|net|org|ru|to|uk|xyz)(?![\p{L}\p{N}])/iu,
	/[\p{L}\p{M}\p{N}]\.\p{L}[\p{L}\p{M}]{1,62}\//iu,
	/\d\.\d{1,3}\.\d{1,3}\.\d/u,
	/\b(?:https?|ftp|mailto|javascript):/iu
];

/** As a mail program reads it: compatibility forms folded, and the full stops of East Asia as ours. */
const isLinkLike = (text: string) => {
	const read = withoutIgnorable(text.normalize('NFKC')).replace(/[\u3002\uff61]/g, '.');
	return linkLike.some((kind) => kind.test(read));
};

/** Spaces around what was typed don't count, but there is an end to them too. */
const typed = (label: string, max: number) => {
	const long = `${label} has more than ${max} characters.`;
	return text(2 * max + 100, {
		missing: `${label} is missing.`,
		long,
		broken: `${label} has characters that can't be read.`
	})
		.trim()
		.max(max, { abort: true, error: long });
};

/** A name of whatever kind. */
const words = (label: string, max: number) =>
	typed(label, max)
		.min(1, { abort: true, error: `${label} is missing.` })
		.refine(isVisible, { abort: true, error: `${label} needs a letter or a digit that can be seen.` })
		.refine((text) => !unseen.test(text), `${label} has characters that can't be seen.`)
		.refine((text) => !address.test(text), `${label} can't hold a web address.`);

/** A name that e-mails show which somebody outside of the portal's own team has chosen. */
const mailedName = (label: string, max: number) =>
	words(label, max).refine((text) => !isLinkLike(text), `${label} can't look like a web address.`);

export const firstName = mailedName('The first name', 60);
export const lastName = mailedName('The last name', 60);
export const organizationName = mailedName('The organization name', 80);
export const applicationName = mailedName('The application name', 80);
export const credentialLabel = mailedName('The label', 60);

/** The portal's own team chooses it, and may well call it after its web address. */
export const portalName = words('The portal name', 60);

export const wholeNumber = (label: string, min: number, max: number) => {
	const message = `${label} is a whole number from ${min} to ${max.toLocaleString('en')}.`;
	return z.number({ error: message }).int(message).min(min, message).max(max, message);
};

const paragraph = (label: string, max: number) =>
	typed(label, max).refine(
		(text) => !unseen.test(text.replace(/[\r\n\t]/g, ' ')),
		`${label} has characters that can't be seen.`
	);

export const versionNote = paragraph('The note', 200);
export const emailFooter = paragraph('The footer', 500).refine(
	(text) => !address.test(text),
	'The footer can’t hold a web address.'
);
/** What is white on it has to be read. */
export const accentColor = text(100)
	.toLowerCase()
	.regex(/^#[\da-f]{6}$/, {
		abort: true,
		error: 'The colour is written as # and six digits, such as #4f46e5.'
	})
	.refine((color) => contrastOf(color, '#ffffff') >= leastContrast, {
		error: ({ input }) =>
			`White text on this colour has a contrast of ${contrastOf(String(input), '#ffffff').toFixed(1)} to 1; it needs ${leastContrast}. Take a darker one.`
	});
export const description = paragraph('The description', 500);
export const rejectionReason = paragraph('The reason', 500);

export const password = text(passwordLength.max, {
	missing: 'The password is missing.',
	long: `The password has more than ${passwordLength.max} characters.`,
	broken: 'The password has characters that can’t be read.'
}).min(passwordLength.min, `The password needs at least ${passwordLength.min} characters.`);

/** What a list is searched for. */
export const searchText = text(200);
/** The secret of a link, looked up by its hash. */
export const linkToken = text(200);

/** A password that is only compared: whatever length it has been given. */
export const givenPassword = text(1000);

const longestEmail = 254;
/** A label of a domain (RFC 1035). */
const isLabel = (text: string) =>
	text.length <= 63 && /^[a-z\d-]+$/.test(text) && !text.startsWith('-') && !text.endsWith('-');

/** Whether a letter becomes others with the case, as Greek ones with a iota below do; ß and ς stay what they are. */
function foldsAway(text: string): boolean {
	const rest = text.toLowerCase().normalize('NFC').replace(/[ßς]/g, '');
	return rest.toUpperCase().toLowerCase().normalize('NFC') !== rest;
}

/**
 * The one form of an e-mail address that is stored and compared: trimmed, lower case, an international domain in its
 * ASCII form (Punycode, RFC 3492). Null for what is not an address, also for everything that is not ASCII before the @.
 */
export function normalizeEmail(text: string): string | null {
	// Before anything else: what follows looks at each character.
	if (text.length > longestEmail) return null;
	const parts = text.trim().split('@');
	const [local, domain] = parts;
	if (parts.length !== 2 || !local || !domain || local.length > 64) return null;
	if (!/^[a-z0-9!#$%&*+/=?^_{|}~-]+(\.[a-z0-9!#$%&*+/=?^_{|}~-]+)*$/i.test(local)) return null;
	// What URL would read as a port, a path, a query or a percent sign, or drop, is no part of a domain.
	if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) || withoutIgnorable(domain) !== domain) return null;
	// These two change into other letters with the case, depending on the language.
	if (/[\u0130\u0131]/.test(domain) || domain.normalize('NFKC') !== domain) return null;
	if (foldsAway(domain) || !URL.canParse(`http://${domain}`)) return null;
	const ascii = new URL(`http://${domain}`).hostname;
	const labels = ascii.split('.');
	const last = labels.at(-1) ?? '';
	if (labels.length < 2 || !labels.every(isLabel) || last.length < 2 || !/^[a-z]/.test(last)) return null;
	return `${local.toLowerCase()}@${ascii}`;
}

const noAddress = 'This is not an e-mail address that mail can be sent to.';
export const email = text(longestEmail, {
	missing: 'The e-mail address is missing.',
	long: noAddress,
	broken: noAddress
}).transform((text, context) => {
	const normal = normalizeEmail(text);
	if (normal) return normal;
	const message = text.trim() ? noAddress : 'The e-mail address is missing.';
	context.addIssue({ code: 'custom', message });
	return z.NEVER;
});
