import type { Meaning } from './headings.ts';
import { isNoDay, isOver, type DayOrder } from './days.ts';
import { findDoubt, findReason, saysNo, saysYes } from './standings.ts';
import { holdsAddress } from './columns.ts';
import type { Column } from './contents.ts';
import { normalizeEmail } from '../../email-addresses.ts';
import { cleanAddress, findAddresses } from './addresses.ts';
import { splitName, type Person } from './names.ts';
import { readRecipients } from './recipients.ts';
import { tidy } from './words.ts';

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
		.map(({ cell, rank }) => ({ email: cleanAddress(cell), rank, cell }));
	const right = addresses.find(({ email }) => normalizeEmail(email));
	// What somebody signs in with elsewhere is often no address at all.
	const meant = addresses.find(({ email, rank }) => rank !== 1 || holdsAddress(email));
	// “Ana Lind <ana@x.test>” under “E-mail”: the name is said nowhere else.
	const beside = first || last || whole ? undefined : readRecipients(addresses[0]?.cell ?? '', true)?.[0];
	// Of several addresses in one place, or under no heading, somebody has to say whose they are.
	const places = columns.flatMap(({ heading, meaning }, at) =>
		(meaning === 'email' && !/(emails|mails|addresses|adressen)$/i.test(tidy(heading))) ||
		(meaning === null && !heading)
			? (cells[at] ?? '')
			: []
	);
	const held = new Set(places.flatMap((cell) => findAddresses(cell)).map(({ email }) => email.toLowerCase()));
	const heldBy = columns.filter(({ meaning, heading }) => meaning === 'email' && heading).length;
	const several = heldBy === 1 && held.size > 1 ? [...held].join(', ') : undefined;
	const [role = ''] = of('role');
	const statuses = of('status');
	return {
		...(beside ? { firstName: beside.firstName, lastName: beside.lastName } : names),
		email: several ?? (right ?? meant)?.email ?? '',
		role,
		status: statuses[0] ?? '',
		reason: findReasonIn(columns, cells, role)
	};
}

function findReasonIn(columns: Column[], cells: string[], role: string): string | null {
	const reason = findReason(role);
	if (reason) return reason;
	for (const [
		at,
		{ heading, meaning, isStrict = true, isMarked = false, order = null }
	] of columns.entries()) {
		const cell = tidy(cells[at] ?? '');
		if (!cell && meaning === 'isActive' && isMarked) return `${heading}: no mark`;
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
