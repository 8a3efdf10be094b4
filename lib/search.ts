import type { Organization, Status } from './views.ts';

/** Points and strokes over, under and beside letters: Latin, Greek, Cyrillic, Hebrew, Arabic; and what nobody sees. */
const left =
	// eslint-disable-next-line no-misleading-character-class -- each stands for itself, none for a letter's mark
	/[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** Letters that Unicode takes for letters of their own, as people type them who have no key for them. */
const plain: Record<string, string> = {
	ß: 'ss',
	æ: 'ae',
	œ: 'oe',
	þ: 'th',
	ð: 'd',
	đ: 'd',
	ø: 'o',
	ł: 'l',
	ħ: 'h',
	ŧ: 't',
	ı: 'i',
	ς: 'σ',
	'’': "'",
	'‘': "'",
	ʼ: "'",
	'‐': '-',
	'–': '-',
	'—': '-'
};
const single = new RegExp(`[${Object.keys(plain).join('')}]`, 'gu');

/**
 * What texts are found by, whatever the case, the accents and the way of writing them down: a text holds another where
 * its key holds the other's. The database has the same as `search_key` (migrations/20261126T0100_search_by_key.ts), and a
 * test compares the two letter by letter.
 */
export const searchKey = (text: string): string =>
	text
		.normalize('NFKD')
		.replace(left, '')
		.toLowerCase()
		.replace(single, (letter) => plain[letter] ?? letter)
		.replace(/[ \t\n\v\f\r\u0085\u1680\u2028\u2029]+/g, ' ')
		.replace(/^ | $/g, '');

/** Whether an organization belongs into a list with this search and filter. */
export function matchesSearch(one: Organization, search: string, filter: Status | null): boolean {
	const wanted = searchKey(search);
	return (
		(!filter || one.status === filter) &&
		(!wanted ||
			[one.name, one.requestedBy?.name, one.requestedBy?.email].some(
				(text) => text && searchKey(text).includes(wanted)
			))
	);
}
