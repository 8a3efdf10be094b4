import type { Meaning } from './headings.ts';
import { findReason, isPast, isRoleLabel, saysNo, saysYes } from './standings.ts';
import { holdsAddress, type Column } from './columns.ts';
import { bareAddress, normalizeEmail } from '../../email-addresses.ts';
import { tidy } from './words.ts';

/** What a line says of a person. */
export type Person = {
	firstName: string;
	lastName: string;
	email: string;
	/** As it stood there. */
	role: string;
	/** As it stood there, of a column about that. */
	status: string;
	/** Why nobody should write to them. */
	reason: string | null;
};

/** What stands between a given name and a surname and belongs to the surname. */
const particles = new Set(
	`van von vom zu zum zur de den der del della delle di da dal do dos das du des la las le les los ten ter te op het 't
	bin ibn al el af av bint ben mac san santa st. abu`.split(/\s+/)
);
const endings = new Set(['jr', 'jr.', 'sr', 'sr.', 'ii', 'iii', 'iv', 'phd', 'md']);

/** “Ana Maria Lind” or, as address books write it, “Lind, Ana Maria”. */
export function splitName(text: string): { firstName: string; lastName: string } {
	const name = tidy(text);
	const comma = name.indexOf(',');
	if (comma >= 0) {
		const [before, behind] = [name.slice(0, comma).trim(), name.slice(comma + 1).trim()];
		if (before && behind && !endings.has(behind.toLowerCase()))
			return { firstName: behind, lastName: before };
	}
	const words = name.replaceAll(',', '').split(' ');
	if (words.length < 2) return { firstName: words[0] ?? '', lastName: '' };
	let at = words.length - 1;
	while (at > 1 && endings.has((words[at] ?? '').toLowerCase())) at -= 1;
	// “Linus van den Berg”: from the first of the small words on.
	const small = words.findIndex((word, index) => index > 0 && index < at && particles.has(word));
	if (small > 0) at = small;
	return { firstName: words.slice(0, at).join(' '), lastName: words.slice(at).join(' ') };
}

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
		const bare = /^mailto:/i.test(whole) ? whole.slice(7) : whole;
		const ended = bare.endsWith('.') ? bare.slice(0, -1) : bare;
		if (ended.length > 1) found.push({ email: ended.split('?', 1)[0] ?? ended, from, to });
		at = text.indexOf('@', to);
	}
	return found;
}

/** The address that a cell holds: the first that is one, or what stands there, to be corrected. */
export function cleanAddress(cell: string): string {
	const text = tidy(cell).replace(/mailto:/gi, ' ');
	if (normalizeEmail(text)) return bareAddress(text);
	const addresses = findAddresses(text).map(({ email }) => email);
	return addresses.find((email) => normalizeEmail(email)) ?? tidy(cell);
}

const rankOf: Partial<Record<Meaning, number>> = { email: 0, login: 1, otherEmail: 2 };

/** Puts together what the columns of a row say. */
export function readPerson(columns: Column[], cells: string[]): Person {
	const of = (meaning: Meaning) =>
		columns.flatMap((column, at) => (column.meaning === meaning ? tidy(cells[at] ?? '') || [] : []));
	const wholes = of('fullName');
	const whole = wholes.find((name) => name.includes(' ')) ?? wholes[0] ?? '';
	const first = of('firstName')[0] ?? '';
	const last = [of('beforeLastName')[0], of('lastName')[0], of('afterLastName')[0]].filter(Boolean).join(' ');
	const names = first || last ? { firstName: first, lastName: last } : splitName(whole);
	const addresses = columns
		.map(({ meaning }, at) => ({ rank: meaning ? rankOf[meaning] : undefined, cell: tidy(cells[at] ?? '') }))
		.filter(({ rank, cell }) => rank !== undefined && cell)
		.sort((one, other) => (one.rank ?? 0) - (other.rank ?? 0))
		.map(({ cell, rank }) => ({ email: cleanAddress(cell), rank }));
	const right = addresses.find(({ email }) => normalizeEmail(email));
	// What somebody signs in with elsewhere is often no address at all.
	const meant = addresses.find(({ email, rank }) => rank !== 1 || holdsAddress(email));
	const [role = ''] = of('role');
	const statuses = of('status');
	return {
		...names,
		email: (right ?? meant)?.email ?? '',
		role,
		status: statuses[0] ?? '',
		reason: findReasonIn(columns, cells, [...statuses, role])
	};
}

function findReasonIn(columns: Column[], cells: string[], words: string[]): string | null {
	for (const word of words) {
		const reason = findReason(word);
		if (reason) return reason;
	}
	for (const [at, { heading, meaning }] of columns.entries()) {
		const cell = tidy(cells[at] ?? '');
		if (!cell) continue;
		const isAgainst =
			(meaning === 'isActive' && (saysNo(cell) || findReason(cell) !== null)) ||
			(meaning === 'isGone' && saysYes(cell)) ||
			(meaning === 'goneSince' && isPast(cell));
		if (isAgainst) return `${heading}: ${cell}`;
	}
	return null;
}

const nobody: Person = { firstName: '', lastName: '', email: '', role: '', status: '', reason: null };

/** A line without headings: the address shows itself, so does a role, and names come in the order in which they stand. */
export function guessPerson(cells: string[]): Person {
	const texts = cells.map(tidy).filter(Boolean);
	const address = texts.findIndex(holdsAddress);
	if (address < 0) {
		const [firstName = '', lastName = '', email = '', role = ''] = cells.map(tidy);
		return { ...nobody, firstName, lastName, email, role };
	}
	const [before, after] = [texts.slice(0, address), texts.slice(address + 1)];
	const label = after.find(isRoleLabel);
	// What follows two names and the address is meant as a role, whether it is one or not.
	const role = label ?? (before.length > 1 ? (after.find((text) => !holdsAddress(text)) ?? '') : '');
	const names = [...before, ...after.filter((text) => text !== role && !holdsAddress(text))];
	const [one = '', other] = names;
	const person = { ...nobody, email: cleanAddress(texts[address] ?? ''), role, reason: findReason(role) };
	return other === undefined
		? { ...person, ...splitName(one) }
		: { ...person, firstName: one, lastName: other };
}

/** What stands between two addresses is a name and perhaps a role. */
const longestName = 500;

const quotes: Record<string, string> = { '"': '"', "'": "'", '“': '”', '„': '“' };

/** Takes a text apart at commas and semicolons outside of quotes; quotes count where a part begins with one. */
function splitParts(text: string): string[] {
	const parts: string[] = [];
	let part = '';
	let closing: string | undefined;
	for (const letter of text) {
		if (closing) {
			if (letter === closing) closing = undefined;
			else part += letter;
		} else if (!part.trim() && quotes[letter] && text.includes(quotes[letter])) closing = quotes[letter];
		else if (letter === ',' || letter === ';') {
			parts.push(part);
			part = '';
		} else part += letter;
	}
	return [...parts, part].map((one) => tidy(one.replace(/[<>]/g, ' '))).filter(Boolean);
}

/**
 * The people of a line such as `Grace Okafor <grace@x.test>; 'Berg, Linus' <linus@x.test>, mei@x.test`, as mail
 * programs write them, each perhaps with a role behind; null for a line of another kind.
 */
export function readRecipients(given: string): Person[] | null {
	const line = given.replace(/mailto:/gi, ' ');
	const addresses = findAddresses(line);
	const [only] = addresses;
	if (!only) return null;
	const between = addresses.map(({ from }, index) => line.slice(addresses[index - 1]?.to ?? 0, from));
	const tail = line.slice(addresses.at(-1)?.to ?? 0);
	const isBare = ![...between, tail].some((text) => /[\p{L}\p{N}]/u.test(text));
	const isOfMail = addresses.some(({ from, to }) => line[from - 1] === '<' && line[to] === '>');
	const isOneCell = addresses.length === 1 && !/[,;\t]/.test(line);
	if (!isBare && !isOfMail && !isOneCell) return null;
	const people: Person[] = [];
	for (const [index, { email }] of addresses.entries()) {
		const text = (between[index] ?? '').slice(-longestName);
		const parts = splitParts(text);
		const last = people.at(-1);
		if (last && parts[0] && isRoleLabel(parts[0])) last.role = parts.shift() ?? '';
		// “Grace, Okafor, <grace@x.test>” are cells; “Okafor, Grace <grace@x.test>” is a name.
		const isOfCells = /,\s?<?$/.test(tidy(text));
		people.push({ ...nobody, ...splitName(parts.join(isOfCells ? ' ' : ', ')), email });
	}
	const [behind] = splitParts(tail.slice(0, longestName));
	const last = people.at(-1);
	if (last && behind && isOneCell && !isOfMail && !last.firstName && !isRoleLabel(behind))
		Object.assign(last, splitName(behind));
	else if (last && behind) last.role = behind;
	return people.map((person) => ({ ...person, reason: findReason(person.role) }));
}
