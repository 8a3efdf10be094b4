import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findProblems, listInvitees, parseInvitees } from '#lib/browser/invitees.ts';
import { readText } from '#lib/browser/lists/texts.ts';

/** People in lines without headings, as they are typed and pasted. */

const read = (text: string) =>
	parseInvitees(text).map(({ firstName, lastName, email }) => [firstName, lastName, email]);
const mira = ['Mira', 'Solberg', 'mira@x.test'];
const tomas = ['Tomas', 'Reyes', 'tomas@y.test'];
const zoe = ['Zoë', 'Groß', 'zoe@x.test'];

describe('the people of one line', () => {
	test.each([
		'Mira Solberg mira@x.test, Tomas Reyes tomas@y.test',
		'Mira Solberg mira@x.test; Tomas Reyes tomas@y.test',
		'Mira Solberg mira@x.test Tomas Reyes tomas@y.test',
		'Mira Solberg mira@x.test and Tomas Reyes tomas@y.test',
		'Mira Solberg mira@x.test und Tomas Reyes <tomas@y.test>',
		'mira@x.test Mira Solberg, tomas@y.test Tomas Reyes',
		'mira@x.test (Mira Solberg), tomas@y.test (Tomas Reyes)',
		'mira@x.test, Mira Solberg; tomas@y.test, Tomas Reyes',
		'mira@x.test Mira Solberg, Tomas Reyes tomas@y.test',
		'Solberg, Mira (mira@x.test); Reyes, Tomas (tomas@y.test)',
		'Mira Solberg | mira@x.test | Tomas Reyes | tomas@y.test',
		'Mira\tSolberg\tmira@x.test\tTomas\tReyes\ttomas@y.test',
		'Mira Solberg: mira@x.test / Tomas Reyes: tomas@y.test',
		'To: Mira Solberg <mira@x.test>; Cc: "Reyes, Tomas" <tomas@y.test>.',
		'[Mira Solberg](mailto:mira@x.test), [Tomas Reyes](mailto:tomas@y.test)'
	])('%s are both there', (line) => expect(read(line)).toEqual([mira, tomas]));

	test.each([
		['three', 'Mira Solberg mira@x.test; Tomas Reyes tomas@y.test; Zoë Groß zoe@x.test', [mira, tomas, zoe]],
		[
			'three, the last joined',
			'Mira Solberg <mira@x.test>, Tomas Reyes <tomas@y.test> & Zoë Groß <zoe@x.test>',
			[mira, tomas, zoe]
		],
		[
			'addresses joined by a word',
			'mira@x.test et tomas@y.test',
			[
				['', '', 'mira@x.test'],
				['', '', 'tomas@y.test']
			]
		]
	])('%s', (_, line, people) => expect(read(line)).toEqual(people));

	test('who has two addresses and one name is marked, and both are shown', () => {
		const rows = parseInvitees('Mira,Solberg,mira@x.test,mira@home.test');
		expect(rows).toMatchObject([{ firstName: 'Mira', email: 'mira@x.test, mira@home.test' }]);
		expect(findProblems(rows).get(1)).toHaveProperty('email');
	});
});

describe('what stands around a name or an address', () => {
	const around = [
		['1. ', ''],
		['12) ', ''],
		['• ', ''],
		['- ', ''],
		['* ', ';'],
		['– ', ','],
		['[x] ', ''],
		['To: ', ''],
		['Cc: ', ','],
		['An: ', ';'],
		['À : ', ''],
		['Para: ', '.'],
		['2. E-Mail: ', '']
	] as const;
	const people = [
		['Mira Solberg <mira@x.test>', mira],
		['Mira Solberg: mira@x.test', mira],
		['Mira Solberg – mira@x.test', mira],
		['Mira Solberg (mira@x.test)', mira],
		['Mira Solberg [mira@x.test]', mira],
		['Mira Solberg, mira@x.test', mira],
		['"Solberg, Mira" <mira@x.test>', mira],
		['mira@x.test', ['', '', 'mira@x.test']],
		['[mira@x.test](mailto:mira@x.test)', ['', '', 'mira@x.test']],
		['mailto:pat.o%27brien@x.test?subject=Hi', ['', '', "pat.o'brien@x.test"]],
		['"mira@x.test" <mira@x.test>', ['', '', 'mira@x.test']]
	] as const;
	test.each(
		around.flatMap(([before, behind]) =>
			people.map(([text, person]) => [before + text + behind, person] as const)
		)
	)('%s falls away', (line, person) => {
		const rows = parseInvitees(line);
		expect(read(line)).toEqual([person]);
		expect(findProblems(rows).size).toBe(0);
		expect(rows[0]?.unknownRole).toBe(null);
	});

	test('a role is one wherever it stands', () => {
		for (const line of [
			'Mira Solberg, Super admin, mira@x.test',
			'1. Mira Solberg - mira@x.test - Super admin'
		]) {
			expect(read(line)).toEqual([mira]);
			expect(parseInvitees(line)[0]?.role).toBe('super_admin');
		}
	});

	test.each([
		['Mira Solberg (Platform) <mira@x.test>', 'Platform'],
		['Guests: Mira Solberg <mira@x.test>', 'Guests'],
		['mira@x.test, Mira, Solberg, Engineer, Oslo', 'Engineer, Oslo'],
		['Mira;Solberg;+47 22 33 44 55;mira@x.test', '+47 22 33 44 55']
	])('%s keeps in sight what is no name', (line, unknownRole) => {
		expect(read(line)).toEqual([mira]);
		expect(parseInvitees(line)[0]?.unknownRole).toBe(unknownRole);
	});

	test.each([
		'Jean.Paul St.John <j@x.test>',
		'Ken Griffey Jr. <j@x.test>',
		"Bo O'Neil <j@x.test>",
		'J. R. Ek <j@x.test>'
	])('%s keeps its points', (line) => {
		const [first, last] = read(line)[0] ?? [];
		expect(`${first} ${last} <j@x.test>`).toBe(line);
	});
});

test('what stands beside an address under a heading isn’t lost', () => {
	expect(read('E-mail\nMira Solberg <mira@x.test>\ntomas@y.test (Tomas Reyes)')).toEqual([mira, tomas]);
	for (const text of [
		'Name,E-mail\nMira Solberg,"mira@x.test; tomas@y.test"',
		'E-mail\nmira@x.test, tomas@y.test'
	]) {
		const rows = parseInvitees(text);
		expect(rows).toMatchObject([{ email: 'mira@x.test, tomas@y.test' }]);
		expect(findProblems(rows).get(1)).toHaveProperty('email');
	}
});

test('whatever is pasted, no address and no word is lost in silence', () => {
	const letters = fc.stringMatching(/^[a-z]{3,7}$/);
	const name = fc
		.array(letters, { minLength: 0, maxLength: 3 })
		.map((words) => words.map((word) => `Q${word}`).join(' '));
	const address = letters.map((word) => `q${word}@x.test`);
	const bracket = fc.constantFrom(
		['<', '>'],
		['(', ')'],
		['[', ']'],
		['', ''],
		['', ''],
		['"', '"'],
		['<', '']
	);
	const separator = fc.constantFrom(
		', ',
		'; ',
		',',
		';',
		' ',
		'\t',
		' | ',
		' and ',
		' & ',
		' / ',
		' - ',
		': ',
		'. ',
		'\n',
		',,',
		' und '
	);
	const start = fc.constantFrom('', '', '', '1. ', '• ', 'To: ', '- ', '"', '(', 'Guests: ');
	const piece = fc.oneof(
		fc
			.tuple(name, address, bracket, fc.constantFrom(' ', ', ', ': ', ' - ', '\t'))
			.map(([name, address, [open, close], gap]) => `${name}${gap}${open}${address}${close}`),
		fc
			.tuple(name, address, bracket, fc.constantFrom(' ', ', ', ': '))
			.map(([name, address, [open, close], gap]) => `${open}${address}${close}${gap}${name}`),
		address,
		name
	);
	const text = fc
		.tuple(start, fc.array(fc.tuple(piece, separator), { minLength: 1, maxLength: 6 }))
		.map(([start, pieces]) => start + pieces.flat().join(''));
	fc.assert(
		fc.property(text, (text) => {
			const reading = readText(text);
			// What looks like headings is asked about; here they are none.
			const rows = listInvitees(reading, reading.table?.isAsking ? null : undefined);
			const problems = findProblems(rows);
			for (const one of text.match(/q[a-z]{3,7}@x\.test/g) ?? []) {
				const isThere = rows.some(
					(row) => row.email === one || ((!row.isChosen || problems.has(row.id)) && row.email.includes(one))
				);
				expect(isThere, `${one} of ${JSON.stringify(text)}`).toBe(true);
			}
			const shown = rows
				.map(({ firstName, lastName, email, unknownRole }) =>
					[firstName, lastName, email, unknownRole].join(' ')
				)
				.join(' ');
			for (const word of text.match(/Q[a-z]+/g) ?? [])
				expect(shown.includes(word), `${word} of ${JSON.stringify(text)} in ${shown}`).toBe(true);
		}),
		{ numRuns: 2000 }
	);
});
