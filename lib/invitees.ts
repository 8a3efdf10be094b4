import Papa from 'papaparse';
import { email, firstName, lastName, normalizeEmail } from './fields.ts';
import { roleLabels, roles, type Role } from './views.ts';

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
};

type Column = 'firstName' | 'lastName' | 'name' | 'email' | 'role';

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}]+/gu, '');

const headers: Record<string, Column> = {
	firstname: 'firstName',
	givenname: 'firstName',
	first: 'firstName',
	forename: 'firstName',
	lastname: 'lastName',
	familyname: 'lastName',
	surname: 'lastName',
	last: 'lastName',
	name: 'name',
	fullname: 'name',
	email: 'email',
	mail: 'email',
	emailaddress: 'email',
	mailaddress: 'email',
	address: 'email',
	role: 'role'
};

const rolesByName = new Map(roles.map((role) => [plain(roleLabels[role]), role]));

/** The columns that the first row names; null when it is a row like the others. */
function columnsOf(cells: string[]): (Column | null)[] | null {
	const columns = cells.map((cell) => headers[plain(cell)] ?? null);
	const isHeader = columns.includes('email') && !cells.some((cell) => cell.includes('@'));
	return isHeader ? columns : null;
}

/** “Grace Okafor” or, as address books write it, “Okafor, Grace”. */
function splitName(text: string): { firstName: string; lastName: string } {
	const name = text.trim().replace(/\s+/g, ' ');
	const [last = '', first] = name.split(',', 2).map((part) => part.trim());
	if (first) return { firstName: first, lastName: last };
	const [one = '', ...others] = name.split(' ');
	return { firstName: one, lastName: others.join(' ') };
}

/** Where no header says so: the address shows itself, so does a role, and names come in the order in which they stand. */
function guess(cells: string[]): Partial<Record<Column, string>> {
	const texts = cells.filter(Boolean);
	const address = texts.findIndex((text) => text.includes('@'));
	if (address < 0) {
		const [firstName, lastName, email, role] = cells;
		return { firstName, lastName, email, role };
	}
	const [before, after] = [texts.slice(0, address), texts.slice(address + 1)];
	const isRole = after.some((text) => rolesByName.has(plain(text)));
	// What follows two names and the address is meant as a role, whether it is one or not.
	const role = isRole
		? after.find((text) => rolesByName.has(plain(text)))
		: before.length > 1
			? after[0]
			: '';
	const names = [...before, ...after.filter((text) => text !== role)];
	if (names.length === 1) return { name: names[0], email: texts[address], role };
	return { firstName: names[0], lastName: names[1], email: texts[address], role };
}

/**
 * The people of a line such as `Grace Okafor <grace@x.test>, "Berg, Linus" <linus@x.test>, mei@x.test`, as mail
 * programs write them, each perhaps with a role behind; null for a line of another kind.
 */
function readRecipients(line: string): Partial<Record<Column, string>>[] | null {
	const split = (pattern: RegExp) => [...line.matchAll(pattern)].map(([part]) => part.trim()).filter(Boolean);
	// Where semicolons separate, commas may stand inside of names.
	const coarse = split(/(?:"[^"]*"|[^";])+/g);
	const isCoarse = coarse.length > 1 && coarse.every((part) => part.split('@').length <= 2);
	const parts = isCoarse ? coarse : split(/(?:"[^"]*"|[^",;\t])+/g);
	const isPlainList = parts.length > 1 && parts.every((part) => part.includes('@'));
	if (!line.includes('<') && !isPlainList) return null;
	const people: Partial<Record<Column, string>>[] = [];
	let before = '';
	for (const part of parts) {
		const [, name = '', email] = /^([^<]*)<([^<>]*)>$/.exec(part) ?? [];
		if (email !== undefined || part.includes('@')) {
			const whole = [before, name.trim().replace(/^"(.*)"$/, '$1')].filter(Boolean).join(', ');
			people.push({ name: whole, email: (email ?? part).trim() });
			before = '';
			continue;
		}
		const last = people.at(-1);
		if (last && !last.role) last.role = part;
		else before = [before, part].filter(Boolean).join(' ');
	}
	return people.length > 0 ? people : null;
}

/** Reads pasted lines or the text of a CSV file: commas, semicolons or tabs, quoted or not, with a header or without. */
export function parseInvitees(text: string): Invitee[] {
	const invitees: Invitee[] = [];
	let columns: (Column | null)[] | null | undefined;
	const add = (line: number, cell: Partial<Record<Column, string>>) => {
		const role = rolesByName.get(plain(cell.role ?? '')) ?? null;
		const names = cell.name === undefined ? {} : splitName(cell.name);
		invitees.push({
			id: invitees.length + 1,
			line,
			firstName: '',
			lastName: '',
			...names,
			...(cell.firstName && { firstName: cell.firstName }),
			...(cell.lastName && { lastName: cell.lastName }),
			email: cell.email ?? '',
			role,
			unknownRole: role === null && cell.role ? cell.role : null
		});
	};

	const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
	const { meta } = Papa.parse<string[]>(text, { preview: 20, delimitersToGuess: [',', ';', '\t'] });
	/** Lines that belong together, since a quoted field may go on in the next one. */
	let block: { first: number; lines: string[] } = { first: 1, lines: [] };
	const readBlock = () => {
		if (block.lines.length === 0) return;
		const { data } = Papa.parse<string[]>(block.lines.join('\n'), { delimiter: meta.delimiter });
		let line = block.first;
		for (const row of data) {
			const cells = row.map((cell) => cell.trim().replace(/\s+/g, ' '));
			const at = line;
			line += 1 + row.join('').split('\n').length - 1;
			if (!cells.some(Boolean)) continue;
			if (columns === undefined) {
				columns = columnsOf(cells);
				if (columns) continue;
			}
			const named = columns?.flatMap((column, index) => (column ? [[column, cells[index] ?? '']] : []));
			add(at, named ? Object.fromEntries(named) : guess(cells));
		}
		block = { first: 0, lines: [] };
	};
	lines.forEach((one, index) => {
		const people = columns ? null : readRecipients(one);
		if (!people) {
			if (block.lines.length === 0) block.first = index + 1;
			block.lines.push(one);
			return;
		}
		readBlock();
		for (const person of people) add(index + 1, person);
	});
	readBlock();
	return invitees;
}

export type Problems = Partial<Record<'firstName' | 'lastName' | 'email' | 'role', string>> & {
	/** The line of the earlier row with the same address. */
	duplicateOf?: number;
};

const fields = { firstName, lastName, email };

/** What keeps each row from being sent, at its field; the first of several with one address is not to blame. */
export function findProblems(invitees: Invitee[]): Map<number, Problems> {
	const found = new Map<number, Problems>();
	const lineOf = new Map<string, number>();
	for (const one of invitees) {
		const problems: Problems = {};
		for (const name of ['firstName', 'lastName', 'email'] as const) {
			const message = fields[name].safeParse(one[name]).error?.issues[0]?.message;
			if (message) problems[name] = message;
		}
		const address = normalizeEmail(one.email);
		const earlier = address && lineOf.get(address);
		if (earlier) {
			problems.email = `The same address as in line ${earlier}.`;
			problems.duplicateOf = earlier;
		} else if (address) lineOf.set(address, one.line);
		if (one.unknownRole) problems.role = `“${one.unknownRole}” is no role here. Choose one.`;
		if (Object.keys(problems).length > 0) found.set(one.id, problems);
	}
	return found;
}
