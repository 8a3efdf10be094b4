import { bareAddress, normalizeEmail } from '../../email-addresses.ts';
import { tidy } from './words.ts';

/** What may stand around an address, and is none of it. */
const around = new Set([...'<>()[]{}"“”„\',;:!?|`´‘’« »']);
const isEdge = (letter: string | undefined) =>
	letter === undefined || around.has(letter) || /\s/.test(letter);

/** The addresses in a text, each with the place where it begins and ends. */
export function findAddresses(text: string): { email: string; from: number; to: number }[] {
	const found: { email: string; from: number; to: number }[] = [];
	let at = text.indexOf('@');
	while (at >= 0) {
		let from = at;
		let to = at + 1;
		const before = found.at(-1)?.to ?? 0;
		// An apostrophe may be a part of what stands before the @, unless it stands at its beginning.
		while (from > before && (!isEdge(text[from - 1]) || (text[from - 1] === "'" && !isEdge(text[from - 2]))))
			from -= 1;
		while (to < text.length && !isEdge(text[to])) to += 1;
		const whole = text.slice(from, to);
		const bare = /^mailto:/i.test(whole) ? bareAddress(whole) : whole;
		const ended = bare.endsWith('.') ? bare.slice(0, -1) : bare;
		if (ended.length > 1) found.push({ email: ended.split('?', 1)[0] ?? ended, from, to });
		at = text.indexOf('@', to);
	}
	return found;
}

/** The address that a cell holds: the first that is one, or what stands there, to be corrected. */
export function cleanAddress(cell: string): string {
	const text = tidy(cell);
	if (normalizeEmail(text)) return bareAddress(text);
	const addresses = findAddresses(text).map(({ email }) => email);
	return addresses.find((email) => normalizeEmail(email)) ?? tidy(cell);
}
