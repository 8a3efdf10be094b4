import { findHeadings, holdsAddress, type Row } from './columns.ts';
import { UnreadableFile } from './files.ts';
import { readCells, type Reading } from './texts.ts';
import { BadArchive, listArchive, pack, TooLarge, unpack } from './zips.ts';

/**
 * Excel workbooks. The library that reads them unpacks with workers made of text, which the portal's
 * Content-Security-Policy refuses, and without a bound. So what it gets is unpacked here, within bounds.
 */
const mostBytes = 40_000_000;
/** Cells of a sheet, empty ones among them, since the library fills every row up to the widest. */
const mostCells = 5_000_000;

const isSheet = (name: string) => /^xl\/worksheets\/[^/]+\.xml$/.test(name);
const isWanted = (name: string) =>
	/^xl\/(workbook|sharedStrings|styles)\.xml$|^xl\/_rels\/workbook\.xml\.rels$/i.test(name) || isSheet(name);

const lettersOf = (column: number): string =>
	column < 1 ? '' : lettersOf(Math.floor((column - 1) / 26)) + String.fromCharCode(65 + ((column - 1) % 26));
const columnOf = (letters: string) =>
	[...letters.toUpperCase()].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);

/** Gives each row and cell the place that the format lets programs leave out, and refuses what is too far out. */
function placeCells(xml: string): string {
	let [row, column, widest, furthest] = [0, 0, 0, 0];
	const placed = xml.replace(
		/<((?:\w{1,20}:)?)(row|c)(?=[\s/>])([^<>]*)>/g,
		(whole, prefix: string, tag: string, rest: string) => {
			const place = /\sr="([A-Z]{0,4})(\d{0,8})"/i.exec(rest);
			if (tag === 'row') {
				row = place?.[2] ? Number(place[2]) : row + 1;
				column = 0;
			} else column = place?.[1] ? columnOf(place[1]) : column + 1;
			widest = Math.max(widest, column);
			furthest = Math.max(furthest, row);
			const here = tag === 'row' ? String(row) : `${lettersOf(column)}${row}`;
			return place ? whole : `<${prefix}${tag} r="${here}"${rest}>`;
		}
	);
	if (widest * furthest > mostCells && widest > 200) throw new TooLarge('Too many cells');
	if (furthest > 1_048_576) throw new TooLarge('Too many rows');
	return placed;
}

/** A workbook that lists no sheets gets a list of those that are there. */
function listSheets(files: Map<string, Uint8Array>): void {
	const [rels, book] = ['xl/_rels/workbook.xml.rels', 'xl/workbook.xml'];
	if (files.has(rels) && files.has(book)) return;
	const sheets = [...files.keys()].filter(isSheet).sort();
	const encode = (text: string) => new TextEncoder().encode(text);
	files.set(
		rels,
		encode(
			`<Relationships>${sheets.map((name, at) => `<Relationship Id="rId${at + 1}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="${name.slice(3)}"/>`).join('')}</Relationships>`
		)
	);
	files.set(
		book,
		encode(
			`<workbook><sheets>${sheets.map((_, at) => `<sheet name="Sheet${at + 1}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`).join('')}</sheets></workbook>`
		)
	);
}

const textOf = (value: unknown) =>
	value === null || value === undefined
		? ''
		: value instanceof Date
			? value.toISOString().slice(0, 10)
			: String(value);

/** The sheet that holds the list: the first with headings or addresses, else the first that holds anything. */
function chooseSheet(sheets: Row[][]): Row[] {
	const filled = sheets.map((rows) => rows.filter(({ cells }) => cells.some((cell) => cell.trim())));
	const holdsAny = (rows: Row[]) => rows.some(({ cells }) => cells.some(holdsAddress));
	return (
		filled.find((rows) => holdsAny(rows) && findHeadings(rows.slice(0, 60)) >= 0) ??
		filled.find(holdsAny) ??
		filled.find((rows) => rows.length > 0) ??
		[]
	);
}

/** @throws {UnreadableFile} for another archive, and for a workbook that is broken or too large. */
export async function readWorkbook(bytes: Uint8Array<ArrayBuffer>): Promise<Reading> {
	try {
		const names = listArchive(bytes).map(({ name }) => name);
		if (!names.some(isSheet)) throw new UnreadableFile(sayArchive(names));
		const files = await unpack(bytes, isWanted, mostBytes);
		for (const [name, content] of files) {
			if (isSheet(name))
				files.set(name, new TextEncoder().encode(placeCells(new TextDecoder().decode(content))));
		}
		listSheets(files);
		const { default: readXlsxFile } = await import('read-excel-file/universal');
		const sheets = await readXlsxFile(pack(files));
		const rows = sheets.map(({ data }) =>
			data.map((cells, at): Row => ({ line: at + 1, cells: cells.map(textOf) }))
		);
		return readCells(chooseSheet(rows));
	} catch (error) {
		if (error instanceof UnreadableFile) throw error;
		if (error instanceof TooLarge)
			throw new UnreadableFile(
				'is a workbook that unpacks to more than is read here. Save the list alone as CSV.'
			);
		const isOurs = error instanceof BadArchive;
		throw new UnreadableFile(
			isOurs
				? 'is broken: it ends too early, or is no workbook. Save it as .xlsx or CSV once more.'
				: 'is a workbook that can’t be read. Save it as .xlsx or CSV once more.'
		);
	}
}

/** What an archive is that is no workbook. */
function sayArchive(names: string[]): string {
	if (names.includes('content.xml'))
		return 'is a spreadsheet or text in the OpenDocument format. Save it as .xlsx or CSV.';
	if (names.some((name) => name.startsWith('word/')))
		return 'is a Word document. Copy the list in it and paste it here, or save it as .xlsx or CSV.';
	if (names.some((name) => name.endsWith('.iwa'))) return 'is of Apple Numbers. Export it as .xlsx or CSV.';
	if (names.some((name) => name.startsWith('xl/')))
		return 'is a workbook in a binary form (.xlsb). Save it as .xlsx or CSV.';
	return 'is a packed file. Unpack it first, and choose the list in it.';
}
