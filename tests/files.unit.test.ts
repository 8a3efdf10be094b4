import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listInvitees } from '#lib/browser/invitees.ts';
import { checkText, decode, findTelling, isZip, readFileText } from '#lib/browser/lists/files.ts';
import { readWorkbook } from '#lib/browser/lists/workbooks.ts';
import { pack, unpack } from '#lib/browser/lists/zips.ts';
import { deflateRawSync } from 'node:zlib';

/** Files with lists: their letters, workbooks, and what is no list. */

const bytesOf = (name: string) =>
	new Uint8Array(readFileSync(new URL(`./fixtures/lists/${name}`, import.meta.url)));
const encode = (text: string) => new TextEncoder().encode(text);
const readNames = (text: string) =>
	listInvitees(readFileText(text)).map(({ firstName, lastName }) => `${firstName} ${lastName}`);

describe('the letters of a file', () => {
	test.each([
		['excel-german-cp1252.csv', 'windows-1252', ['Jörg Müßig', 'Zoë Größe']],
		['cp1250-polish.csv', 'windows-1250', ['Łucja Żak']],
		['excel-unicode-text-utf16.txt', null, ['Jörg Müßig', 'Łucja Żak']]
	])('of %s are read as %s', (name, encoding, names) => {
		const { text, guessed } = decode(bytesOf(name));
		expect(guessed).toBe(encoding);
		expect(readNames(text)).toEqual(names);
	});

	test('are as they are chosen, and shown by words that depend on it', () => {
		const bytes = bytesOf('cp1250-polish.csv');
		const wrong = decode(bytes, 'windows-1252');
		expect(wrong.guessed).toBe('windows-1252');
		expect(findTelling(wrong.text)).toEqual(['£ucja', '¯ak']);
		expect(findTelling(decode(bytes, 'windows-1250').text)).toEqual(['Łucja', 'Żak']);
	});

	test.each([
		['utf-16be with its mark', [0xfe, 0xff], true],
		['utf-16le without a mark', [], false]
	])('of %s are read', (_, mark, isBig) => {
		const text = 'First name,Last name,Email\nJörg,Müßig,joerg@x.test';
		const pairs = [...text].flatMap((letter) => {
			const code = letter.charCodeAt(0);
			return isBig ? [code >> 8, code & 255] : [code & 255, code >> 8];
		});
		const decoded = decode(new Uint8Array([...mark, ...pairs]));
		expect(decoded.guessed).toBe(null);
		expect(readNames(decoded.text)).toEqual(['Jörg Müßig']);
	});

	test('of Cyrillic and of a Mac are guessed', () => {
		// “Имя;Фамилия;Почта” and “Иван;Петров” in Windows-1251.
		const cyrillic = [
			0xc8, 0xec, 0xff, 0x3b, 0xd4, 0xe0, 0xec, 0xe8, 0xeb, 0xe8, 0xff, 0x3b, 0xcf, 0xee, 0xf7, 0xf2, 0xe0,
			0x0a
		];
		const person = [
			0xc8,
			0xe2,
			0xe0,
			0xed,
			0x3b,
			0xcf,
			0xe5,
			0xf2,
			0xf0,
			0xee,
			0xe2,
			...encode(';ivan@x.test')
		];
		const { text, guessed } = decode(new Uint8Array([...cyrillic, ...person]));
		expect(guessed).toBe('windows-1251');
		expect(readNames(text)).toEqual(['Иван Петров']);
		// “Jörg Müßig” of a Mac.
		const mac = [...encode('Name,Email\nJ'), 0x9a, ...encode('rg M'), 0x9f, 0xa7, ...encode('ig,j@x.test')];
		expect(decode(new Uint8Array(mac)).guessed).toBe('macintosh');
	});
});

test('address cards are read', () => {
	const cards =
		'BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lind;Ana;;;\r\nFN:Ana Lind\r\nEMAIL;TYPE=WORK:ana@x.test\r\nEMAIL:home@y.test\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Bo Ek\r\nitem1.EMAIL:bo@x.test\r\nEND:VCARD\r\n';
	expect(listInvitees(readFileText(cards))).toMatchObject([
		{ line: 1, firstName: 'Ana', lastName: 'Lind', email: 'ana@x.test' },
		{ line: 8, firstName: 'Bo', lastName: 'Ek', email: 'bo@x.test' }
	]);
});

test.each([
	['an old workbook', [0xd0, 0xcf, 0x11, 0xe0, 0xa1], /old Excel workbook.*Save it as .xlsx/],
	['a PDF', [...encode('%PDF-1.7')], /is a PDF/],
	['a picture', [0x89, ...encode('PNG\r\n')], /is a picture/],
	['nothing', [], /is empty/],
	['something else', [1, 0, 0, 7, 0, 0, 3], /no list that can be read/]
])('%s is told for what it is', (_, bytes, words) => {
	expect(() => checkText(new Uint8Array(bytes))).toThrow(words);
});

test('a web page that calls itself a workbook is told', () => {
	expect(() => readFileText('<html><table><tr><td>Name')).toThrow(/web page/);
});

/** A workbook of these sheets; `prefix` as some programs write before each tag. */
function workbook(
	sheets: (string | number | null)[][][],
	{ prefix = '', hasPlaces = true, extra = '' } = {}
) {
	const shared: string[] = [];
	const files = new Map<string, Uint8Array>();
	const x = prefix;
	const ns = `xmlns${x ? `:${x.slice(0, -1)}` : ''}="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`;
	const cellOf = (value: string | number | null, at: string) => {
		const place = hasPlaces ? ` r="${at}"` : '';
		if (value === null) return `<${x}c${place}/>`;
		if (typeof value === 'number') return `<${x}c${place}><${x}v>${value}</${x}v></${x}c>`;
		shared.push(`<${x}si><${x}t>${value.replace(/&/g, '&amp;')}</${x}t></${x}si>`);
		return `<${x}c${place} t="s"><${x}v>${shared.length - 1}</${x}v></${x}c>`;
	};
	const rels: string[] = [];
	const list: string[] = [];
	for (const [index, rows] of sheets.entries()) {
		const body = rows.map((cells, row) => {
			const inside = cells
				.map((value, at) => cellOf(value, `${String.fromCharCode(65 + at)}${row + 1}`))
				.join('');
			return `<${x}row${hasPlaces ? ` r="${row + 1}"` : ''}>${inside}</${x}row>`;
		});
		files.set(
			`xl/worksheets/sheet${index + 1}.xml`,
			encode(`<${x}worksheet ${ns}><${x}sheetData>${body.join('')}${extra}</${x}sheetData></${x}worksheet>`)
		);
		list.push(`<${x}sheet name="S${index + 1}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`);
		rels.push(
			`<Relationship Id="rId${index + 1}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet${index + 1}.xml"/>`
		);
	}
	files.set(
		'xl/workbook.xml',
		encode(`<${x}workbook ${ns}><${x}sheets>${list.join('')}</${x}sheets></${x}workbook>`)
	);
	files.set(
		'xl/_rels/workbook.xml.rels',
		encode(
			`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${rels.join('')}</Relationships>`
		)
	);
	files.set('xl/sharedStrings.xml', encode(`<${x}sst ${ns}>${shared.join('')}</${x}sst>`));
	return new Uint8Array(pack(files));
}

describe('a workbook', () => {
	const head = ['Nachname', 'Vorname', 'E-Mail', 'Nr'];
	const rows = [
		['Staff of Northwind & Co'],
		[],
		head,
		['Lind', 'Ana', 'ana@x.test', 7],
		['Ek', 'Bo', 'bo@x.test', null]
	];
	const people = [
		{ line: 4, firstName: 'Ana', lastName: 'Lind', email: 'ana@x.test' },
		{ line: 5, firstName: 'Bo', lastName: 'Ek', email: 'bo@x.test' }
	];

	test.each([
		['as Excel writes it', {}],
		['without places of cells', { hasPlaces: false }]
	])('%s is read, from the sheet with the list', async (_, how) => {
		const bytes = workbook([[['Read me first']], rows], how);
		expect(isZip(bytes)).toBe(true);
		expect(listInvitees(await readWorkbook(bytes))).toMatchObject(people);
	});

	test('with a namespace before each tag is read', async () => {
		expect(listInvitees(await readWorkbook(workbook([rows], { prefix: 'x:' })))).toMatchObject(people);
	});

	test('that lists no sheets is read all the same', async () => {
		expect(listInvitees(await readWorkbook(bytesOf('people.xlsx')))).toMatchObject([
			{ firstName: '', lastName: '', email: 'mira@northwind.example' }
		]);
	});

	test('with much in it is read without a worker', async () => {
		const many = Array.from({ length: 12_000 }, (_, n) => ['Lind', `Ana ${n}`, `ana${n}@x.test`, n]);
		const reading = await readWorkbook(workbook([[head, ...many]]));
		expect(listInvitees(reading)).toHaveLength(10_000);
		expect(reading.leftOut).toBe(2000);
	});

	test('that would fill the memory is refused', async () => {
		const far = '<row r="900000"><c r="XFD900000"><v>1</v></c></row>';
		await expect(readWorkbook(workbook([rows], { extra: far }))).rejects.toThrow(/unpacks to more/);
		// Zeros pack to a thousandth.
		const bomb = deflateRawSync(Buffer.alloc(60_000_000));
		const packed = new Uint8Array(pack(new Map([['xl/worksheets/sheet1.xml', new Uint8Array(bomb)]])));
		for (const at of [8, packed.length - 22 - 46 - 'xl/worksheets/sheet1.xml'.length + 10]) packed[at] = 8;
		expect(packed.length).toBeLessThan(100_000);
		await expect(unpack(packed, () => true, 1000)).rejects.toThrow('Too large');
		await expect(readWorkbook(packed)).rejects.toThrow(/unpacks to more/);
	});

	test.each([
		[['content.xml'], /OpenDocument/],
		[['word/document.xml'], /Word document/],
		[['Index/Document.iwa'], /Numbers/],
		[['photo.jpg'], /packed file/]
	])('is told from an archive of %s', async (names, words) => {
		const bytes = new Uint8Array(pack(new Map(names.map((name) => [name, encode('x')]))));
		await expect(readWorkbook(bytes)).rejects.toThrow(words);
	});

	test('cut off at any place is refused in words, or read', async () => {
		const bytes = workbook([rows]);
		for (let length = 4; length < bytes.length; length += 97) {
			await expect(readWorkbook(bytes.slice(0, length))).rejects.toThrow(/broken|can’t be read/);
		}
	});
});
