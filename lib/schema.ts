import { z } from 'zod';

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

/** A moment as ISO 8601 in UTC, in years that every database and every calendar knows. */
export const moment = text(40)
	.pipe(z.iso.datetime())
	.refine((at) => {
		const year = new Date(at).getUTCFullYear();
		return year >= firstYear && year <= lastYear;
	}, 'This is not a date that can be meant.');
