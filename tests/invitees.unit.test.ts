import { describe, expect, test } from 'vitest';
import { findProblems, parseInvitees } from '#lib/invitees.ts';

const read = (text: string) =>
	parseInvitees(text).map(({ firstName, lastName, email, role }) => [firstName, lastName, email, role]);

describe('a list of people', () => {
	const grace = ['Grace', 'Okafor', 'grace@x.test', 'super_admin'];
	const linus = ['Linus', 'Berg', 'linus@x.test', null];

	test.each([
		['commas', 'Grace,Okafor,grace@x.test,Super admin\nLinus,Berg,linus@x.test'],
		['semicolons', 'Grace;Okafor;grace@x.test;super_admin\r\nLinus;Berg;linus@x.test;\r\n'],
		['tabs', 'Grace\tOkafor\tgrace@x.test\tSUPER ADMIN\nLinus\tBerg\tlinus@x.test'],
		['quotes', '"Grace","Okafor","grace@x.test","Super admin"\n"Linus","Berg","linus@x.test",""'],
		[
			'a header in another order',
			'\ufeffRole;E-Mail;Last name;First name\nSuper admin;grace@x.test;Okafor;Grace\n;linus@x.test;Berg;Linus'
		],
		[
			'a header with full names and columns that nobody asked for',
			'Id,Name,Team,Email address,Role\n1,Grace Okafor,Ops,grace@x.test,super-admin\n2,"Berg, Linus",Dev,linus@x.test,'
		],
		['addresses first', 'grace@x.test, Grace, Okafor, Super admin\n\nlinus@x.test, Linus, Berg'],
		['lines of a mail program', 'Grace Okafor <grace@x.test>, Super admin\n"Berg, Linus" <linus@x.test>'],
		['a line of a mail program', 'Grace Okafor <grace@x.test>, Super admin, "Berg, Linus" <linus@x.test>,']
	])('is read from %s', (_, text) => expect(read(text)).toEqual([grace, linus]));

	test('keeps what it does not understand, to be corrected', () => {
		const rows = parseInvitees('Grace,Okafor,grace at x.test,Owner\n\nnoor@x.test\n<mei@x.test>');
		expect(rows).toMatchObject([
			{ line: 1, firstName: 'Grace', lastName: 'Okafor', email: 'grace at x.test', unknownRole: 'Owner' },
			{ line: 3, firstName: '', lastName: '', email: 'noor@x.test', role: null, unknownRole: null },
			{ line: 4, email: 'mei@x.test' }
		]);
		const problems = findProblems(rows);
		expect(problems.get(1)).toEqual({
			email: 'This is not an e-mail address that mail can be sent to.',
			role: '“Owner” is no role here. Choose one.'
		});
		expect(problems.get(2)).toEqual({
			firstName: 'The first name is missing.',
			lastName: 'The last name is missing.'
		});
		expect(parseInvitees(' \n\n')).toEqual([]);
	});

	test('takes the line of recipients of a mail program apart', () => {
		expect(read('Grace Okafor <grace@x.test>, Linus van den Berg <linus@x.test>; mei@x.test')).toEqual([
			['Grace', 'Okafor', 'grace@x.test', null],
			['Linus', 'van den Berg', 'linus@x.test', null],
			['', '', 'mei@x.test', null]
		]);
	});

	test('marks the later of two with one address, whatever the case', () => {
		const rows = parseInvitees('A,B,a@x.test\nC,D,c@x.test\nE,F, A@X.test');
		expect([...findProblems(rows)]).toEqual([
			[3, { email: 'The same address as in line 1.', duplicateOf: 1 }]
		]);
		expect(findProblems(rows.slice(1)).size).toBe(0);
	});

	test('goes over lines that belong to one quoted field', () => {
		expect(parseInvitees('"Grace\nHopper",Okafor,grace@x.test\nLinus,Berg,linus@x.test')).toMatchObject([
			{ line: 1, firstName: 'Grace Hopper' },
			{ line: 3, firstName: 'Linus' }
		]);
	});

	test('of ten thousand lines is read at once', () => {
		const text = Array.from({ length: 10_000 }, (_, n) => `First,Last,p${n}@x.test,Team member`).join('\n');
		const rows = parseInvitees(text);
		expect(rows).toHaveLength(10_000);
		expect(findProblems(rows).size).toBe(0);
	});
});
