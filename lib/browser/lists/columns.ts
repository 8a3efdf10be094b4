import { findByContents, mayTellGone, type Column } from './contents.ts';
import { findHeading, type Heading, type Meaning } from './headings.ts';
import { isForeign } from './qualifiers.ts';
import { isStanding, saysNo, saysYes } from './standings.ts';
import { plainWord, tidy } from './words.ts';

/** One line of a list, with the place where it stands. */
export type Row = { line: number; cells: string[] };

export type Table = {
	/** The line of the headings; null where there are none. */
	headingLine: number | null;
	columns: Column[];
	/** What stands below the headings. */
	rows: Row[];
	/** Whether somebody has to say what the columns are. */
	isAsking: boolean;
};

/** Titles may stand above the headings, but not much else. */
const headingWithin = 20;
/** How many rows show what a column holds. */
const looked = 50;
const samplesShown = 3;

export const holdsAddress = (cell: string) => cell.includes('@');
const nameHeadings: Heading[] = ['firstName', 'lastName', 'fullName', 'name', 'givenOrFullName'];
const mailHeadings: Heading[] = ['email', 'login', 'otherEmail'];

/** How many headings a row holds; 0 where it is none: headings name an address, or two things, and are none themselves. */
export function countHeadings({ cells }: Row): number {
	if (cells.some((cell) => holdsAddress(cell) || cell.length > 120)) return 0;
	const found = cells.map((cell) => (cell.trim() ? findHeading(cell) : null));
	const known = found.filter((one) => one !== null).length;
	const filled = cells.filter((cell) => cell.trim()).length;
	if (found.some((one) => one !== null && mailHeadings.includes(one))) return known;
	const hasNames = found.some((one) => one !== null && nameHeadings.includes(one));
	return hasNames && known > 1 && known * 2 > filled ? known : 0;
}

/** The words that stand over a column of addresses, in a row of words: headings, though nobody here knows them. */
function looksLikeHeadings(row: Row, rows: Row[]): boolean {
	const { cells } = row;
	if (cells.length < 2 || cells.some((cell) => holdsAddress(cell) || /\d{3}/.test(cell) || cell.length > 60))
		return false;
	const below = rows.filter(({ line, cells }) => line > row.line && cells.length > 1);
	const counts = cells.map((_, at) => below.filter(({ cells }) => holdsAddress(cells[at] ?? '')).length);
	const most = Math.max(...counts);
	const over = cells[counts.indexOf(most)] ?? '';
	return most > 0 && most * 2 >= below.length && /\p{L}/u.test(over) && !/\.|\s(at|dot)\s/i.test(over);
}

/** Where the headings stand; -1 where there are none. */
export function findHeadings(rows: Row[]): number {
	const first = rows.slice(0, headingWithin);
	// A title may name an address too: “Members of team@northwind.example”.
	const isPerson = ({ cells }: Row) => {
		const [one = '', other] = cells.filter((cell) => cell.trim());
		return cells.some(holdsAddress) && (other !== undefined || !/^[^@]{0,100}\s\S{1,100}$/.test(one.trim()));
	};
	const until = first.findIndex(isPerson);
	const before = until < 0 ? first : first.slice(0, until);
	const known = before.map(countHeadings);
	const most = Math.max(0, ...known);
	if (most > 0) return known.indexOf(most);
	const address = before.findIndex(({ cells }) => cells.some(holdsAddress));
	const unknown = address < 0 ? before : before.slice(0, address);
	return unknown.findLastIndex((row) => looksLikeHeadings(row, rows.slice(0, looked)));
}

/** Settles the words that mean something only beside others, or by what stands below them. */
function settle(headings: (Heading | null)[], valuesOf: (at: number) => string[], firstNames: string[]) {
	const has = (...wanted: Heading[]) => headings.some((one) => one !== null && wanted.includes(one));
	const hasLast = has('lastName');
	const hasFirst = has('firstName') || (has('givenOrFullName') && hasLast);
	const isMail = (at: number) => valuesOf(at).some(holdsAddress);
	const isMostly = (at: number, fits: (value: string) => boolean) => {
		const values = valuesOf(at).filter(Boolean);
		return values.length > 0 && values.filter(fits).length * 2 > values.length;
	};
	return headings.map((heading, at): Meaning | null => {
		if (heading === 'fullName' && !has('email') && isMail(at)) return 'email';
		switch (heading) {
			case 'name': {
				if (!has('email') && isMail(at)) return 'email';
				if (!hasFirst || hasLast) return 'fullName';
				// “Vorname; Name” is a surname, “First name; Name” may be all of it.
				const isWhole = valuesOf(at).some((value, row) => {
					const parts = value.split(/[\s,]/).map(plainWord);
					return parts.length > 1 && parts.includes(plainWord(firstNames[row] ?? '-'));
				});
				return isWhole ? 'fullName' : 'lastName';
			}
			case 'givenOrFullName':
				return hasLast ? 'firstName' : 'fullName';
			case 'address':
				return !has('email') && isMail(at) ? 'email' : 'ignore';
			case 'username':
				if (isMail(at)) return 'login';
				return !has('firstName', 'lastName', 'fullName', 'name', 'givenOrFullName') &&
					isMostly(at, (value) => value.includes(' '))
					? 'fullName'
					: 'ignore';
			case 'state':
				return valuesOf(at).some(isStanding) ? 'status' : 'ignore';
			default:
				return heading;
		}
	});
}

/** Words that say something about an address, where it isn’t itself what the column holds. */
const about = /usage|status|prefer|verif|domain|count$|date$|sent$|bounce|opt|alias|proxy|hash/;

/** “Kunden-E-Mail”: a heading that speaks of mail over addresses, where no other does. */
function findSpokenMail(headings: string[], valuesOf: (at: number) => string[]): number {
	const spoken = headings.flatMap((heading, at) => {
		const word = plainWord(heading);
		const values = valuesOf(at);
		return word.includes('mail') && !about.test(word) && !isForeign(heading) && values.some(holdsAddress)
			? [at]
			: [];
	});
	return spoken.length === 1 ? (spoken[0] ?? -1) : -1;
}

/** Understands what the columns of a list are; what isn't understood is asked, and never told by its place. */
export function readTable(all: Row[], at: number): Table {
	const head = all[at];
	const rows = head ? all.slice(at + 1) : all;
	const width = Math.max(0, ...all.slice(Math.max(0, at), at + looked).map(({ cells }) => cells.length));
	const headings = Array.from({ length: width }, (_, column) => tidy(head?.cells[column] ?? ''));
	const first = rows.slice(0, looked);
	const valuesOf = (column: number) => first.map(({ cells }) => tidy(cells[column] ?? '')).filter(Boolean);
	const known = headings.map((heading) => (heading ? findHeading(heading) : null));
	const firstNameAt = known.findIndex((one) => one === 'firstName');
	const firstNames = first.map(({ cells }) => cells[firstNameAt] ?? '');
	const found = settle(known, (column) => first.map(({ cells }) => tidy(cells[column] ?? '')), firstNames);
	if (!found.some((one) => one === 'email' || one === 'login')) {
		const spoken = findSpokenMail(headings, valuesOf);
		if (spoken >= 0) found[spoken] = 'email';
	}
	for (const [column, heading] of headings.entries()) {
		const meaning = found[column] ?? null;
		if (!heading || (meaning !== null && meaning !== 'ignore')) continue;
		const all = rows.map(({ cells }) => tidy(cells[column] ?? '')).filter(Boolean);
		found[column] = findByContents(heading, all, meaning === 'ignore') ?? meaning;
	}
	const columns = headings.map((heading, column): Column => ({
		heading,
		meaning: found[column] ?? null,
		samples: valuesOf(column).slice(0, samplesShown)
	}));
	const isNames = (sample: string) => /\p{L}/u.test(sample) && !/\d{3}/.test(sample) && !holdsAddress(sample);
	// A column that holds nothing, or no word, needs no answer, nor does one of somebody else.
	const isUnclear = ({ heading, meaning, samples }: Column) =>
		meaning === null &&
		!isForeign(heading) &&
		samples.some((one) => isNames(one) && !saysYes(one) && !saysNo(one));
	const isMail = ({ meaning }: Column) =>
		meaning === 'email' || meaning === 'login' || meaning === 'otherEmail';
	const holdsAny = (_: Column, column: number) => rows.some(({ cells }) => holdsAddress(cells[column] ?? ''));
	// Where addresses stand only under another heading, the one that speaks of mail may mean something else.
	const hasMail =
		columns.some(isMail) &&
		(columns.some((one, column) => isMail(one) && holdsAny(one, column)) || !columns.some(holdsAny));
	const has = (...wanted: Meaning[]) => columns.some(({ meaning }) => meaning && wanted.includes(meaning));
	const hasWhole = columns.some(
		({ meaning, samples }) => meaning === 'fullName' && samples.some((one) => /[\s,]/.test(one))
	);
	const hasNames = hasWhole || (has('firstName') && has('lastName'));
	const isDoubtful = columns.some(
		({ heading, meaning }, column) =>
			meaning === null &&
			mayTellGone(heading, rows.map(({ cells }) => tidy(cells[column] ?? '')).filter(Boolean))
	);
	return {
		headingLine: head?.line ?? null,
		columns,
		rows,
		isAsking: head !== undefined && (!hasMail || isDoubtful || (!hasNames && columns.some(isUnclear)))
	};
}
