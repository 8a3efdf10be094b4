import { z } from 'zod';

// Zod compiles its schemas with eval where it may. Our pages' Content-Security-Policy forbids that, and reports even the
// attempt; on the server it is welcome.
if ('document' in globalThis) z.config({ jitless: true });

/**
 * What is said where a schema has no words of its own. Those of zod are for programmers (“Invalid input”, “expected
 * string, received undefined”), and whatever a schema says may come to stand at a field.
 */
function say(issue: z.core.$ZodRawIssue): string {
	switch (issue.code) {
		case 'invalid_type':
			return issue.input === undefined ? 'This is missing.' : 'This is not what belongs here.';
		case 'too_small':
			if (issue.origin === 'array') return `At least ${issue.minimum} of them.`;
			if (issue.origin === 'string') return `This needs at least ${issue.minimum} characters.`;
			return `This has to be ${issue.minimum} or more.`;
		case 'too_big':
			if (issue.origin === 'array') return `At most ${issue.maximum} of them.`;
			if (issue.origin === 'string') return `This has more than ${issue.maximum} characters.`;
			return `This has to be ${issue.maximum} or less.`;
		case 'invalid_value':
			return 'This is none of the choices.';
		case 'unrecognized_keys':
			return 'There is something in it that the portal doesn’t know.';
		case 'invalid_format':
			return 'This is not written as it has to be.';
		default:
			return 'This is not what belongs here.';
	}
}
z.config({ localeError: say });

export { z };

/** Neither half of a pair of UTF-16 nor a NUL, which no database keeps. */
const isWhole = (text: string) => text.isWellFormed() && !text.includes('\0');

/**
 * Every text that comes from outside is one of these. The length is looked at first and ends the check, since zod goes on
 * to later checks after one that failed: whatever they cost, they see `max` characters at most.
 */
export function text(max: number, words: { missing?: string; long?: string; broken?: string } = {}) {
	return z
		.string(words.missing ? { error: words.missing } : undefined)
		.max(max, { abort: true, error: words.long ?? `This has more than ${max} characters.` })
		.refine(isWhole, { abort: true, error: words.broken ?? 'This has characters that can’t be read.' });
}

const [firstYear, lastYear] = [1900, 9999];

/** A moment as ISO 8601 in UTC, no longer than a database reads, and in years that every database and every calendar knows. */
export const momentOf = (error?: string) =>
	text(40, error === undefined ? {} : { missing: error, long: error })
		.pipe(z.iso.datetime(error === undefined ? {} : { error }))
		.refine((at) => {
			const year = new Date(at).getUTCFullYear();
			return year >= firstYear && year <= lastYear;
		}, 'This is not a date that can be meant.');
export const moment = momentOf();
