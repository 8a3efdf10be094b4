import type { Meaning } from './headings.ts';
import { isNoDay, isOver, type DayOrder } from './days.ts';
import { findDoubt, findReason, saysNo, saysYes } from './standings.ts';
import { holdsAddress, type Column } from './columns.ts';
import { normalizeEmail } from '../../fields.ts';
import { cleanAddress } from './addresses.ts';
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

export const nobody: Person = { firstName: '', lastName: '', email: '', role: '', status: '', reason: null };

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
		reason: findReasonIn(columns, cells, role)
	};
}

function findReasonIn(columns: Column[], cells: string[], role: string): string | null {
	const reason = findReason(role);
	if (reason) return reason;
	for (const [at, { heading, meaning, isStrict = true, order = null }] of columns.entries()) {
		const cell = tidy(cells[at] ?? '');
		if (!cell) continue;
		const doubt = meaning === 'status' ? findDoubt(cell, isStrict) : null;
		if (doubt) return doubt;
		const isAgainst =
			(meaning === 'isActive' && (saysNo(cell) || findDoubt(cell, false) !== null)) ||
			// A day, or a word nobody knows, stands there because something happened.
			(meaning === 'isGone' &&
				(saysYes(cell) || (!saysNo(cell) && !isNoDay(cell) && isGoneBy(cell, order)))) ||
			(meaning === 'goneSince' && isOver(cell, order));
		if (isAgainst) return `${heading}: ${cell}`;
	}
	return null;
}

/** What stands under “Suspended”: “not suspended” and “Active” say that it didn't happen. */
const isGoneBy = (cell: string, order: DayOrder) =>
	isOver(cell, order) && (findDoubt(cell, true) !== null || /\d/.test(cell));
