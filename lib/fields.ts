import { contrastOf, leastContrast } from './colors.ts';
import { longestPasted, normalizeEmail } from './email-addresses.ts';
import { passwordLength, productDescriptionLength } from './limits.ts';
import { isLinkLike } from './links.ts';
import { sayNumber } from './numbers.ts';
import { text, z } from './schema.ts';
import { trimUnseen, withoutIgnorable } from './unseen.ts';

/** What people type, checked in one place; the messages are shown at the field. */

// Control characters, marks of direction, what stands for nothing (private, unassigned, placeholders of objects), and
// symbols that are blank.
const unseen =
	/[\p{Cc}\p{Co}\p{Cn}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\u2800\ufeff\ufff9-\ufffc\u{1d159}]/u;
const address = /:\/\/|\bwww\./i;

/** Whether there is a letter, a digit or a symbol that somebody can see. */
const isVisible = (text: string) => /[\p{L}\p{N}\p{S}]/u.test(withoutIgnorable(text));

/**
 * What was typed, in the one form in which it is kept: composed (NFC), and without what nobody sees around it, which
 * doesn't count, though there is an end to it too.
 */
const typed = (label: string, max: number) => {
	const long = `${label} has more than ${max} characters.`;
	return text(2 * max + 100, {
		missing: `${label} is missing.`,
		long,
		broken: `${label} has characters that can't be read.`
	})
		.overwrite((text) => trimUnseen(text).normalize())
		.max(max, { abort: true, error: long });
};

/** What may be left empty; the schema says what else it is. */
export const orEmpty = <Schema extends z.ZodType<string>>(schema: Schema) =>
	text(1000).transform((given, context) => {
		if (!trimUnseen(given)) return '';
		const { data = '', error } = schema.safeParse(given);
		for (const { message } of error?.issues ?? []) context.addIssue({ code: 'custom', message });
		return error ? z.NEVER : data;
	});

/** One line that says something. */
const line = (label: string, max: number) =>
	typed(label, max)
		.overwrite((text) => text.replace(/\p{Zs}{2,}/gu, ' '))
		.min(1, { abort: true, error: `${label} is missing.` })
		.refine(isVisible, { abort: true, error: `${label} needs a letter or a digit that can be seen.` })
		.refine((text) => !unseen.test(text), `${label} has characters that can't be seen.`);

/** A name of whatever kind. */
const words = (label: string, max: number) =>
	line(label, max).refine((text) => !address.test(text), `${label} can't hold a web address.`);

/** A name that e-mails show which somebody outside of the portal's own team has chosen. */
const mailedName = (label: string, max: number) =>
	words(label, max).refine((text) => !isLinkLike(text), `${label} can't look like a web address.`);

export const firstName = mailedName('The first name', 60);
export const lastName = mailedName('The last name', 60);
/** Of a person's two names one may be empty, since many have but one; that there is one sees {@link inputOf}. */
export const names = {
	firstName: orEmpty(firstName),
	lastName: orEmpty(lastName)
};
export const organizationName = mailedName('The organization name', 80);
export const applicationName = mailedName('The application name', 80);
/** The portal's own team chooses it, as the next one. */
export const gatewayName = words('The name', 60);
export const productName = words('The name', 80);
export const planName = words('The name', 60);
export const credentialLabel = mailedName('The label', 60);

/** What a call takes, and nothing else; where it takes {@link names}, at least one of them. */
export function inputOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	const input = z.strictObject(shape);
	if (shape.firstName !== names.firstName || shape.lastName !== names.lastName) return input;
	return input.refine(
		(given: { firstName?: unknown; lastName?: unknown }) => given.firstName || given.lastName,
		{
			path: ['firstName'],
			error: 'The first name is missing.',
			// Said together with what is wrong with other fields.
			when: () => true
		}
	);
}

/** The portal's own team chooses it, and may well call it after its web address. */
export const portalName = words('The portal name', 60);
/** Whom e-mails come from, as mail programs show it. */
export const senderName = words('The from name', 60);

export const wholeNumber = (label: string, min: number, max: number) => {
	const message = `${label} is a whole number from ${min} to ${sayNumber(max)}.`;
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
/** What stands in an address that people read to each other. */
export const productSlug = text(200, { missing: 'The address is missing.' })
	.trim()
	.regex(/^[a-z\d]+(?:-[a-z\d]+)*$/, {
		abort: true,
		error: 'The address has small letters a to z and digits, with single hyphens between them.'
	})
	.max(60, 'The address has more than 60 characters.');
export const productSummary = line('The line', 160);
export const productDescription = paragraph('The description', productDescriptionLength);
export const productContact = line('The contact', 200);
export const planText = paragraph('The text', 300);
export const rejectionReason = paragraph('The reason', 500);
/** What an application needs access for. */
export const accessMessage = paragraph('The message', 1000);

/** Which characters is the person's own affair; composed (NFC), since keyboards write the same letter in two ways. */
export const password = text(3 * passwordLength.max, {
	missing: 'The password is missing.',
	long: `The password has more than ${passwordLength.max} characters.`,
	broken: 'The password has characters that can’t be read.'
})
	.normalize('NFC')
	.min(passwordLength.min, `The password needs at least ${passwordLength.min} characters.`)
	.max(passwordLength.max, `The password has more than ${passwordLength.max} characters.`);

/** What a list is searched for. */
export const searchText = text(200);
/** The secret of a link, looked up by its hash. */
export const linkToken = text(200);

/** A password that is only compared: whatever length it has been given. */
export const givenPassword = text(1000);

const noAddress = 'This is not an e-mail address that mail can be sent to.';
export const email = text(longestPasted, {
	missing: 'The e-mail address is missing.',
	long: noAddress,
	broken: noAddress
}).transform((text, context) => {
	const normal = normalizeEmail(text);
	if (normal) return normal;
	const message = trimUnseen(text) ? noAddress : 'The e-mail address is missing.';
	context.addIssue({ code: 'custom', message });
	return z.NEVER;
});
