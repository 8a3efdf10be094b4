import Papa from 'papaparse';
import { countHeadings, findHeadings, holdsAddress, readTable, type Row, type Table } from './columns.ts';
import type { Person } from './names.ts';
import { guessPeople, readRecipients } from './recipients.ts';

/** How many people of one list are read; more can't be sent at once anyhow. */
export const maxInvitees = 10_000;
const widest = 200;
const longest = 2000;
/** More than any list of that many people needs; what comes behind is left out, so that no text freezes the page. */
const mostLines = 60_000;
const longestLine = 400_000;

/** A list as it was read: a table whose columns have to be understood, or people line by line. */
export type Reading = {
	table: Table | null;
	people: { line: number; person: Person }[];
	/** Lines that were left out because there are too many. */
	leftOut: number;
};

const delimiters = [',', ';', '\t', '|'];
const isFilled = (cells: string[]) => cells.some((cell) => cell.trim());

const countLines = (text: string, from: number) => {
	let count = 0;
	for (let at = from; at < text.length; count += 1) {
		const end = text.indexOf('\n', at);
		at = end < 0 ? text.length : end + 1;
	}
	return count;
};

/** As much of a text as is read. */
function bound(text: string): { text: string; leftOut: number } {
	const lines: string[] = [];
	let leftOut = 0;
	let at = 0;
	while (at < text.length && lines.length < mostLines) {
		const end = text.indexOf('\n', at);
		const line = text.slice(at, end < 0 ? text.length : end);
		if (line.length > longestLine) leftOut += 1;
		lines.push(line.slice(0, longestLine));
		at = end < 0 ? text.length : end + 1;
	}
	return { text: lines.join('\n'), leftOut: leftOut + countLines(text, at) };
}

/** Rows of a text, each with the line that it begins in, up to as many as are read. */
function readRows(
	text: string,
	delimiter: string,
	max: number,
	quote = '"'
): { rows: Row[]; leftOut: number } {
	const rows: Row[] = [];
	let line = 1;
	let leftOut = 0;
	let isOpen = false;
	Papa.parse<string[]>(text, {
		delimiter,
		newline: '\n',
		quoteChar: quote,
		step({ data, errors, meta }, parser) {
			isOpen ||= errors.some(({ code }) => code === 'MissingQuotes');
			if (isFilled(data))
				rows.push({ line, cells: data.slice(0, widest).map((cell) => cell.slice(0, longest)) });
			line += 1;
			for (const cell of data)
				if (cell.includes('\n')) line += countLines(cell, 0) - (cell.endsWith('\n') ? 0 : 1);
			if (rows.length < max) return;
			leftOut = countLines(text, meta.cursor);
			parser.abort();
		}
	});
	if (!isOpen || quote !== '"') return { rows, leftOut };
	// A quotation mark that nothing closes would swallow everybody behind it.
	const plain = readRows(text, delimiter, max, '\0');
	for (const row of plain.rows) row.cells = row.cells.map((cell) => cell.trim().replace(/^"|"$/g, ''));
	return plain;
}

/** The delimiter that makes the most sense of the first lines: headings, else rows of one width. */
function findDelimiter(text: string): string {
	const beginning = text.slice(0, 50_000);
	let best = { delimiter: ',', score: -1 };
	for (const delimiter of delimiters) {
		const { rows } = readRows(beginning, delimiter, 30);
		const headings = Math.max(0, ...rows.map(countHeadings));
		const widths = rows.filter(({ cells }) => cells.length > 1 && cells.some(holdsAddress));
		const score = headings * 1000 + widths.length;
		if (score > best.score) best = { delimiter, score };
	}
	return best.delimiter;
}

/** Line by line, where no headings say what is where. */
function readLines(text: string, delimiter: string): Reading {
	const people: Reading['people'] = [];
	/** Lines that belong together, since a quoted field may go on in the next one. */
	let block = { first: 1, lines: [] as string[] };
	const readBlock = () => {
		if (block.lines.length > 0) {
			const { rows } = readRows(block.lines.join('\n'), delimiter, maxInvitees);
			for (const { line, cells } of rows)
				for (const person of guessPeople(cells)) people.push({ line: block.first + line - 1, person });
		}
		block = { first: 0, lines: [] };
	};
	let line = 0;
	let filled = 0;
	let at = 0;
	while (at < text.length && filled < maxInvitees && people.length < maxInvitees) {
		const end = text.indexOf('\n', at);
		const one = text.slice(at, end < 0 ? text.length : end);
		at = end < 0 ? text.length : end + 1;
		line += 1;
		if (one.trim()) filled += 1;
		const found = readRecipients(one);
		if (!found) {
			if (block.lines.length === 0) block.first = line;
			block.lines.push(one);
			continue;
		}
		readBlock();
		for (const person of found) people.push({ line, person });
	}
	readBlock();
	const leftOut = countLines(text, at) + Math.max(0, people.length - maxInvitees);
	return { table: null, people: people.slice(0, maxInvitees), leftOut };
}

/** Pasted lines or the text of a file: commas, semicolons or tabs, quoted or not, with headings or without. */
export function readText(given: string): Reading {
	const bounded = bound(given.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'));
	let { text } = bounded;
	// Excel's own way to say what separates the cells. The line stays, empty, so that the lines are counted right.
	const [said, separator] = /^"?sep=([^\n])"?(?=\n)/i.exec(text) ?? [];
	if (said) text = text.slice(said.length);
	const delimiter = separator ?? findDelimiter(text);
	const beginning = readRows(text.slice(0, 200_000), delimiter, 60).rows;
	const at = findHeadings(beginning);
	if (at < 0) {
		const reading = readLines(text, delimiter);
		return { ...reading, leftOut: reading.leftOut + bounded.leftOut };
	}
	const { rows, leftOut } = readRows(text, delimiter, maxInvitees + at + 1);
	return { table: readTable(rows, at), people: [], leftOut: leftOut + bounded.leftOut };
}

/** The rows of a workbook's sheet or of address cards. */
export function readCells(rows: Row[]): Reading {
	const filled = rows.filter(({ cells }) => isFilled(cells));
	const at = findHeadings(filled.slice(0, 60));
	const read = filled.slice(0, maxInvitees + at + 1);
	const leftOut = filled.length - read.length;
	if (at >= 0) return { table: readTable(read, at), people: [], leftOut };
	return { ...readLoose(read), leftOut };
}

/** Rows without headings: a cell alone may hold several people, as a line does. */
export function readLoose(rows: Row[]): Reading {
	const people = rows.flatMap(({ line, cells }) => guessPeople(cells).map((person) => ({ line, person })));
	const leftOut = Math.max(0, people.length - maxInvitees);
	return { table: null, people: people.slice(0, maxInvitees), leftOut };
}
