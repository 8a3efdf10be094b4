import type { Row } from './columns.ts';
import { readCells, readText, type Reading } from './texts.ts';

/** A file with a list: which kind it is, and how its letters are written. */

export const maxFileBytes = 5_000_000;

export const encodings = [
	{ value: 'utf-8', label: 'Unicode (UTF-8)' },
	{ value: 'windows-1252', label: 'Western European (Windows-1252)' },
	{ value: 'iso-8859-15', label: 'Western European (ISO-8859-15)' },
	{ value: 'macintosh', label: 'Western European (Mac)' },
	{ value: 'windows-1250', label: 'Central European (Windows-1250)' },
	{ value: 'iso-8859-2', label: 'Central European (ISO-8859-2)' },
	{ value: 'windows-1251', label: 'Cyrillic (Windows-1251)' },
	{ value: 'koi8-r', label: 'Cyrillic (KOI8-R)' },
	{ value: 'windows-1253', label: 'Greek (Windows-1253)' },
	{ value: 'windows-1254', label: 'Turkish (Windows-1254)' },
	{ value: 'windows-1257', label: 'Baltic (Windows-1257)' },
	{ value: 'windows-1255', label: 'Hebrew (Windows-1255)' },
	{ value: 'windows-1256', label: 'Arabic (Windows-1256)' },
	{ value: 'shift_jis', label: 'Japanese (Shift JIS)' },
	{ value: 'euc-kr', label: 'Korean (EUC-KR)' },
	{ value: 'gb18030', label: 'Chinese (GB 18030)' },
	{ value: 'big5', label: 'Chinese (Big5)' }
] as const;
export type Encoding = (typeof encodings)[number]['value'];

/** `guessed`: the file doesn't say how its letters are written, so somebody has to look at them. */
export type Decoded = { text: string; guessed: Encoding | null };

/** What a file says at its beginning that can't be read here, in words for whoever chose it. */
const strange: [begins: (number | string)[], words: string][] = [
	[
		[0xd0, 0xcf, 0x11, 0xe0],
		'is an old Excel workbook (.xls), or one with a password. Save it as .xlsx without a password, or as CSV.'
	],
	[['%PDF'], 'is a PDF. Save the list as .xlsx or CSV, or copy it and paste it here.'],
	[[0x89, 'PNG'], 'is a picture. Save the list as .xlsx or CSV, or paste it here.'],
	[[0xff, 0xd8, 0xff], 'is a picture. Save the list as .xlsx or CSV, or paste it here.'],
	[['GIF8'], 'is a picture. Save the list as .xlsx or CSV, or paste it here.'],
	[['RIFF'], 'is a picture or a sound. Save the list as .xlsx or CSV, or paste it here.'],
	[['II*', 0], 'is a picture. Save the list as .xlsx or CSV, or paste it here.'],
	[[0x1f, 0x8b], 'is a packed file. Unpack it first, and choose the list in it.'],
	[['7z', 0xbc, 0xaf], 'is a packed file. Unpack it first, and choose the list in it.'],
	[['Rar!'], 'is a packed file. Unpack it first, and choose the list in it.'],
	[['{\\rtf'], 'is a text document. Save the list as .xlsx or CSV, or copy it and paste it here.']
];

const begins = (bytes: Uint8Array, pattern: (number | string)[]) => {
	const wanted = pattern.flatMap((one) =>
		typeof one === 'number' ? [one] : [...one].map((letter) => letter.charCodeAt(0))
	);
	return wanted.every((byte, at) => bytes[at] === byte);
};

/** Why a file is no list, if its beginning shows it. */
const findStrange = (bytes: Uint8Array) => strange.find(([pattern]) => begins(bytes, pattern))?.[1] ?? null;

export const isZip = (bytes: Uint8Array) => begins(bytes, ['PK', 3, 4]) || begins(bytes, ['PK', 5, 6]);

/** How little a text looks like one that somebody wrote: signs inside of words, and words of accents alone. */
function findOddness(text: string): number {
	let odd = 0;
	let run = 0;
	for (let at = 0; at < text.length; at += 1) {
		const letter = text[at] ?? '';
		if (letter < '\u0080') {
			run = 0;
			continue;
		}
		if (letter === '\ufffd' || (letter >= '\u0080' && letter < '\u00a0')) odd += 5;
		else if (!/\p{L}/u.test(letter)) odd += 2;
		else {
			run += 1;
			if (run > 2) odd += 1;
		}
		// A capital inside of a word.
		if (/\p{Lu}/u.test(letter) && /\p{Ll}/u.test(text[at - 1] ?? '')) odd += 1;
	}
	return odd;
}

/** In which order they are tried: the more common first. */
const likely: Encoding[] = ['windows-1252', 'windows-1250', 'iso-8859-2', 'macintosh', 'windows-1251'];
const alphabets = new Set<Encoding>(['windows-1251']);

function guess(bytes: Uint8Array): Encoding {
	const beginning = bytes.subarray(0, 100_000);
	let best: { encoding: Encoding; odd: number } | null = null;
	for (const encoding of likely) {
		const text = new TextDecoder(encoding).decode(beginning);
		// A whole alphabet above ASCII makes words of nothing else.
		const odd = alphabets.has(encoding)
			? /[\u0400-\u04ff]{3}/.test(text) && !/[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]/i.test(text)
				? 0
				: Infinity
			: findOddness(text);
		if (!best || odd < best.odd) best = { encoding, odd };
	}
	return best?.encoding ?? 'windows-1252';
}

/** UTF-16 without its mark shows itself: every other byte of Latin text is 0. */
function findUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
	if (begins(bytes, [0xff, 0xfe])) return 'utf-16le';
	if (begins(bytes, [0xfe, 0xff])) return 'utf-16be';
	const beginning = bytes.subarray(0, 2000);
	const zeros = [0, 0];
	for (const [at, byte] of beginning.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
	const [even = 0, odd = 0] = zeros;
	if (odd * 4 > beginning.length && even === 0) return 'utf-16le';
	if (even * 4 > beginning.length && odd === 0) return 'utf-16be';
	return null;
}

/** The text of a file: as its mark says, as UTF-8 if it is that, else as somebody chose or as it is guessed. */
export function decode(bytes: Uint8Array, chosen?: Encoding): Decoded {
	const wide = findUtf16(bytes);
	if (wide) return { text: new TextDecoder(wide).decode(bytes), guessed: null };
	if (!chosen) {
		try {
			return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), guessed: null };
		} catch {
			// Not UTF-8: another code page, of which the file says nothing.
		}
	}
	const encoding = chosen ?? guess(bytes);
	return { text: new TextDecoder(encoding).decode(bytes), guessed: encoding };
}

/** Words with letters that depend on how they are read, for somebody to look at. */
export function findTelling(text: string, most = 6): string[] {
	const found = new Set<string>();
	for (const line of text.split('\n')) {
		for (const cell of line.split(/[,;\t|]/)) {
			const word = cell.trim();
			if (/[^\p{Cc}\x20-\x7e]/u.test(word) && word.length < 60) found.add(word);
			if (found.size >= most) return [...found];
		}
	}
	return [...found];
}

/** Address cards (.vcf): names and the first address of each. */
function readCards(text: string): Reading {
	const rows: Row[] = [{ line: 1, cells: ['First name', 'Last name', 'Full name', 'E-mail'] }];
	let card: Record<string, string> = {};
	let began = 1;
	for (const [index, line] of text.replace(/\r\n?/g, '\n').split('\n').entries()) {
		const colon = line.indexOf(':');
		const [property = ''] = line.slice(0, Math.max(0, colon)).split(';');
		const name = property.slice(property.lastIndexOf('.') + 1).toUpperCase();
		const value = line.slice(colon + 1).replace(/\\([,;\\])/g, '$1');
		if (name === 'BEGIN') [card, began] = [{}, index + 1];
		else if (name === 'END')
			rows.push({ line: began, cells: [card.first ?? '', card.last ?? '', card.FN ?? '', card.EMAIL ?? ''] });
		else if (name === 'N') [card.last = '', card.first = ''] = line.slice(colon + 1).split(';');
		else if (name === 'FN' || name === 'EMAIL') card[name] ??= value;
	}
	return readCells(rows);
}

/** A file that can't be read as a list; the message ends a sentence that begins with the file's name. */
export class UnreadableFile extends Error {}

/** The list in the text of a file. */
export function readFileText(text: string): Reading {
	const beginning = text.slice(0, 1000).trimStart().toLowerCase();
	if (beginning.startsWith('begin:vcard')) return readCards(text);
	if (/^(<!doctype html|<html|<table|<meta|<\?xml|<style)/.test(beginning))
		throw new UnreadableFile('is a web page or an XML file. Open it and save it as .xlsx or CSV.');
	return readText(text);
}

/** @throws {UnreadableFile} for what is no text. */
export function checkText(bytes: Uint8Array): void {
	const words = findStrange(bytes);
	if (words) throw new UnreadableFile(words);
	if (bytes.length === 0) throw new UnreadableFile('is empty.');
	if (!findUtf16(bytes) && bytes.subarray(0, 8000).includes(0))
		throw new UnreadableFile('is no list that can be read here. Save it as .xlsx or CSV.');
}
