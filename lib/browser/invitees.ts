import { normalizeEmail } from '../email-addresses.ts';
import { email, firstName, lastName } from '../fields.ts';
import { prepare } from './lists/contents.ts';
import type { Meaning } from './lists/headings.ts';
import type { Person } from './lists/names.ts';
import { readPerson } from './lists/people.ts';
import { findRole } from './lists/standings.ts';
import { readLoose, readText, type Reading } from './lists/texts.ts';
import type { Role } from '../views.ts';

/**
 * A list of people as they are pasted or kept in a spreadsheet, read into rows that can be corrected and sent. Nothing
 * that was typed is dropped in silence: what isn't understood stays in its row, where it is marked.
 */
export type Invitee = {
	id: number;
	/** Where the row stood in the text, from 1. */
	line: number;
	firstName: string;
	lastName: string;
	email: string;
	/** Null: as chosen for the whole list. */
	role: Role | null;
	/** What stood there in place of a role, as long as nobody has chosen one. */
	unknownRole: string | null;
	/** What the list says of the person, such as “Active”; empty where it says nothing. */
	status: string;
	/** Why the row is set aside: the person has gone, or is none. */
	reason: string | null;
	/** Whether the row is to be sent. */
	isChosen: boolean;
};

function inviteeOf(id: number, line: number, person: Person): Invitee {
	const { firstName, lastName, email, status, reason } = person;
	const role = findRole(person.role);
	const unknownRole = role === null && person.role ? person.role : null;
	return {
		id,
		line,
		firstName,
		lastName,
		email,
		// Nobody gets more because of a word that means something elsewhere, whatever is chosen for the rest.
		role: unknownRole ? 'team_member' : role,
		unknownRole,
		status,
		reason,
		isChosen: reason === null
	};
}

/**
 * The people of a list that was read, in the columns as they were understood or are chosen.
 * @param chosen what the columns are; null when the line that looked like headings is a person too.
 */
export function listInvitees(reading: Reading, chosen?: readonly Meaning[] | null): Invitee[] {
	const { table } = reading;
	if (!table) return reading.people.map(({ line, person }, index) => inviteeOf(index + 1, line, person));
	if (chosen === null) {
		const cells = table.columns.map(({ heading }) => heading);
		return listInvitees(readLoose([{ line: table.headingLine ?? 1, cells }, ...table.rows]));
	}
	const meant = table.columns.map((column, at) => ({ ...column, meaning: chosen?.[at] ?? column.meaning }));
	const columns = prepare(meant, table.rows);
	return table.rows.map(({ line, cells }, index) => inviteeOf(index + 1, line, readPerson(columns, cells)));
}

/** The people of a text whose columns are understood. */
export const parseInvitees = (text: string): Invitee[] => listInvitees(readText(text));

export type Problems = Partial<Record<'firstName' | 'lastName' | 'email', string>> & {
	/** The line of the earlier row with the same address. */
	duplicateOf?: number;
};

const fields = { firstName, lastName, email };

/**
 * What keeps each row from being sent, at its field; the first of several with one address is not to blame, and what is
 * set aside stands in nobody's way. Names may be missing: invitees say them when they join.
 */
export function findProblems(invitees: Invitee[]): Map<number, Problems> {
	const found = new Map<number, Problems>();
	const lineOf = new Map<string, number>();
	for (const one of invitees) {
		if (!one.isChosen) continue;
		const problems: Problems = {};
		for (const name of ['firstName', 'lastName', 'email'] as const) {
			if (name !== 'email' && !one[name].trim()) continue;
			const message = fields[name].safeParse(one[name]).error?.issues[0]?.message;
			if (message) problems[name] = message;
		}
		const address = normalizeEmail(one.email);
		const earlier = address && lineOf.get(address);
		if (earlier) {
			problems.email = `The same address as in line ${earlier}.`;
			problems.duplicateOf = earlier;
		} else if (address) lineOf.set(address, one.line);
		if (Object.keys(problems).length > 0) found.set(one.id, problems);
	}
	return found;
}
