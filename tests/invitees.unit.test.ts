import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findProblems, listInvitees, parseInvitees } from '#lib/browser/invitees.ts';
import { knownHeadings } from '#lib/browser/lists/headings.ts';
import { readText } from '#lib/browser/lists/texts.ts';

const read = (text: string) =>
	parseInvitees(text).map(({ firstName, lastName, email, role }) => [firstName, lastName, email, role]);
const fixture = (name: string) => readFileSync(new URL(`./fixtures/lists/${name}`, import.meta.url), 'utf8');

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
		[
			'a header below a title and what Excel says of separators',
			'sep=;\nMembers of Northwind, 2026\n\nVorname;Name;E-Mail;Rolle\nGrace;Okafor;grace@x.test;Super admin\nLinus;Berg;mailto:linus@x.test;'
		],
		[
			'addresses in the middle of what mail programs write, under headings',
			'Name;E-mail;Role\nGrace Okafor;"Grace Okafor <grace@x.test>";Super admin\nLinus Berg;<linus@x.test>.;'
		],
		['addresses first', 'grace@x.test, Grace, Okafor, Super admin\n\nlinus@x.test, Linus, Berg'],
		['lines of a mail program', 'Grace Okafor <grace@x.test>, Super admin\n"Berg, Linus" <linus@x.test>'],
		['single quotes', "'Okafor, Grace' <grace@x.test>, Super admin\n'Berg, Linus' <linus@x.test>;"],
		['a line of a mail program', 'Grace Okafor <grace@x.test>, Super admin, "Berg, Linus" <linus@x.test>,']
	])('is read from %s', (_, text) => expect(read(text)).toEqual([grace, linus]));

	test.each([
		[
			'google-workspace-users.csv',
			['Mira', 'Solberg'],
			['Tomas', 'Reyes'],
			['Old', 'Colleague', 'Suspended']
		],
		['microsoft-365-export-users.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes']],
		['outlook-contacts.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes'], ['Ana', 'Lind']],
		['okta-people.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes', 'DEPROVISIONED']],
		[
			'slack-members.csv',
			['Mira', 'Solberg'],
			['Tomas', 'Reyes'],
			['Old', 'Colleague', 'Deactivated'],
			['Deploy', 'Bot', '“Bot” is no person']
		],
		['atlassian-users.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes', 'Suspended'], ['Ana', 'Lind']],
		['entra-users.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes', 'accountEnabled: False'], ['Ana', 'Lind']],
		['bamboohr-employees.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes', 'Inactive'], ['Ana', 'Lind']],
		['personio-mitarbeiter.csv', ['Mira', 'Solberg'], ['Tomás', 'Reyes', 'Ausgeschieden'], ['Zoë', 'Größe']],
		['hubspot-contacts.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes']],
		['google-groups-members.csv', ['Mira', 'Solberg'], ['', '']],
		['zoom-users.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes', 'Inactive']],
		['github-members.csv', ['Mira', 'Solberg'], ['Tomas', 'Reyes']],
		[
			'exchange-mailboxes.csv',
			['Mira', 'Solberg'],
			['Info', 'Desk', '“SharedMailbox” is no person'],
			['Oslo', 'Room', '“RoomMailbox” is no person']
		],
		['email-only.csv', ['', ''], ['', '']],
		['min-email2.csv', ['Tomas', 'Reyes']],
		['min-sep-swapped.csv', ['Mira', 'Solberg']]
	] as [string, ...[string, string, string?][]][])(
		'is read from %s, who is gone set aside',
		(name, ...people) => {
			const reading = readText(fixture(name));
			expect(reading.table?.isAsking).toBe(false);
			const rows = listInvitees(reading);
			expect(rows.map(({ firstName, lastName, reason }) => [firstName, lastName, reason])).toEqual(
				people.map(([first, last, reason]) => [first, last, reason ?? null])
			);
			expect(rows.map(({ isChosen }) => isChosen)).toEqual(
				people.map(([, , reason]) => reason === undefined)
			);
			// Never the address at home, nor the one of somebody else.
			for (const { email } of rows) expect(email).toMatch(/@(northwind|partner)\.example$/);
			expect(rows.every(({ role }) => role !== 'super_admin')).toBe(true);
			expect(findProblems(rows).size).toBe(0);
		}
	);

	test.each([
		['German', 'Nachname;Vorname;E-Mail-Adresse'],
		['German, the surname as “Name”', 'Name;Vorname;E-Mail'],
		['French', 'Nom;Prénom;Courriel'],
		['French of an office', 'NOM DE FAMILLE;Prénoms;Adresse électronique'],
		['Spanish', 'Apellidos;Nombre;Correo electrónico'],
		['Dutch', 'Achternaam;Voornaam;E-mailadres'],
		['Italian', 'Cognome;Nome;Indirizzo e-mail'],
		['Polish', 'Nazwisko;Imię;Adres e-mail'],
		['Portuguese', 'Sobrenome;Nome;Endereço de e-mail'],
		['Swedish', 'Efternamn;Förnamn;E-postadress'],
		['Finnish', 'Sukunimi;Etunimi;Sähköposti'],
		['Czech', 'Příjmení;Jméno;E-mailová adresa'],
		['Ukrainian', 'Прізвище;Ім’я;Електронна пошта'],
		['Russian', 'Фамилия;Имя;Электронная почта'],
		['Japanese', '姓;名;メールアドレス']
	])('with %s headings is understood', (_, headings) => {
		expect(read(`${headings}\nOkafor;Grace;grace@x.test\nBerg;Linus;linus@x.test`)).toEqual([
			['Grace', 'Okafor', 'grace@x.test', null],
			linus
		]);
	});

	test('takes a surname apart over its columns together again', () => {
		expect(read('Voornaam;Tussenvoegsel;Achternaam;E-mail\nLinus;van den;Berg;linus@x.test')).toEqual([
			['Linus', 'van den Berg', 'linus@x.test', null]
		]);
		expect(read('Nombre,Primer apellido,Segundo apellido,Correo\nAna,García,López,ana@x.test')).toEqual([
			['Ana', 'García López', 'ana@x.test', null]
		]);
	});

	const cells: Record<string, string> = {
		firstName: 'Grace',
		lastName: 'Okafor',
		email: 'grace@x.test',
		role: 'Team member',
		status: 'Active',
		ignore: 'Something else'
	};
	const headingOf = (kind: string) =>
		fc.constantFrom(...knownHeadings.filter(([, meaning]) => meaning === kind).map(([word]) => word));

	test('under any known words in any order is read the same', () => {
		const headings = fc.record({
			firstName: headingOf('firstName'),
			lastName: headingOf('lastName'),
			email: headingOf('email'),
			role: headingOf('role'),
			status: headingOf('status'),
			ignore: headingOf('ignore')
		});
		const order = fc.shuffledSubarray(Object.keys(cells), { minLength: 6 });
		fc.assert(
			fc.property(headings, order, fc.constantFrom(',', ';', '\t', '|'), (words, kinds, delimiter) => {
				const header = kinds.map((kind) => words[kind as keyof typeof words]).join(delimiter);
				const row = kinds.map((kind) => cells[kind]).join(delimiter);
				expect(parseInvitees(`${header}\n${row}`)).toMatchObject([
					{
						line: 2,
						firstName: 'Grace',
						lastName: 'Okafor',
						email: 'grace@x.test',
						role: 'team_member',
						status: 'Active'
					}
				]);
			}),
			{ numRuns: 300 }
		);
	});

	test('under words that nobody knows is asked about, and nothing is told by its place', () => {
		const word = fc.stringMatching(/^q[a-z]{3,8}$/);
		fc.assert(
			fc.property(fc.uniqueArray(word, { minLength: 3, maxLength: 3 }), (words) => {
				const reading = readText(`${words.join(',')}\nGrace,Okafor,grace@x.test\nLinus,Berg,linus@x.test`);
				expect(reading.table).toMatchObject({ isAsking: true, headingLine: 1 });
				expect(reading.table?.columns.map(({ meaning }) => meaning)).toEqual([null, null, null]);
				expect(reading.table?.columns[0]?.samples).toEqual(['Grace', 'Linus']);
				const right = listInvitees(reading, ['lastName', 'firstName', 'email']);
				expect(right).toMatchObject([
					{ line: 2, firstName: 'Okafor', lastName: 'Grace', email: 'grace@x.test' },
					{ line: 3, lastName: 'Linus' }
				]);
				const all = listInvitees(reading, null);
				expect(all.map(({ line }) => line)).toEqual([1, 2, 3]);
			}),
			{ numRuns: 50 }
		);
	});

	test('asks for names under words that nobody knows, also where the address is known', () => {
		const reading = readText('Qname,Email\nGrace Okafor,grace@x.test');
		expect(reading.table?.isAsking).toBe(true);
		expect(readText('Department,Email\nOps,grace@x.test').table?.isAsking).toBe(false);
		expect(readText('E-mail,Contact\nat home,grace@x.test').table?.isAsking).toBe(true);
	});

	test('keeps what it does not understand, to be corrected', () => {
		const rows = parseInvitees('Grace,Okafor,grace at x.test,Owner\n\nnoor@x.test\n<mei@x.test>');
		expect(rows).toMatchObject([
			{ line: 1, firstName: 'Grace', lastName: 'Okafor', email: 'grace at x.test', unknownRole: 'Owner' },
			{ line: 3, firstName: '', lastName: '', email: 'noor@x.test', role: null, unknownRole: null },
			{ line: 4, email: 'mei@x.test' }
		]);
		expect([...findProblems(rows)]).toEqual([
			[1, { email: 'This is not an e-mail address that mail can be sent to.' }]
		]);
		expect(parseInvitees(' \n\n')).toEqual([]);
	});

	test.each(['Owner', 'Admin', 'Primary Owner', 'Administrator', 'Developer', 'Global administrator'])(
		'makes nobody a Super admin who is “%s” elsewhere, and says so',
		(role) => {
			const [row] = parseInvitees(`Name,Email,Role\nGrace Okafor,grace@x.test,${role}`);
			expect(row).toMatchObject({ role: 'team_member', unknownRole: role, isChosen: true });
			expect(findProblems(row ? [row] : []).size).toBe(0);
		}
	);

	test.each([
		['Status', 'Deactivated'],
		['Status', 'Suspended by admin'],
		['Account status', 'Not active'],
		['Status', 'ehemaliger Mitarbeiter'],
		['Statut', 'désactivé'],
		['Estado', 'Inactivo'],
		['Stan konta', 'zablokowany'],
		['Account enabled', 'FALSE'],
		['Block credential', 'True'],
		['Suspended', 'yes'],
		['Active', '0'],
		['Termination date', '2020-01-31'],
		['Soft deletion time stamp', '2024-03-01 09:12:11Z'],
		['Type', 'Service account'],
		['Recipient type', 'UserMailbox, disabled'],
		['Role', 'Bot']
	])('sets aside whose %s is %s', (heading, value) => {
		const [row] = parseInvitees(`Name;Email;${heading}\nGrace Okafor;grace@x.test;${value}`);
		expect(row).toMatchObject({ isChosen: false, reason: expect.stringContaining(value.slice(0, 5)) });
	});

	test.each([
		['Status', 'Active'],

		['Status', 'PASSWORD_EXPIRED'],
		['Status', 'not suspended'],
		['State', 'Texas'],
		['Account enabled', 'TRUE'],
		['Block credential', 'False'],
		['Termination date', '2999-01-31'],
		['Type', 'Member']
	])('keeps whose %s is %s', (heading, value) => {
		const [row] = parseInvitees(`Name;Email;${heading}\nGrace Okafor;grace@x.test;${value}`);
		expect(row).toMatchObject({ isChosen: true, reason: null });
	});

	test('takes the first column that holds an address, and a postal one for none', () => {
		const text =
			'Name,E-mail,E-mail 2,Address,Manager email\nA B,,b@x.test,1 Long Lane,boss@x.test\nC D,c@x.test,d@x.test,2 Long Lane,boss@x.test';
		expect(read(text).map(([, , email]) => email)).toEqual(['b@x.test', 'c@x.test']);
		expect(read('Name,Address\nA B,a@x.test')).toEqual([['A', 'B', 'a@x.test', null]]);
		expect(read('userPrincipalName,mail\nx_y#EXT#@a.b.test,y@x.test')[0]?.[2]).toBe('y@x.test');
	});

	test('takes the line of recipients of a mail program apart', () => {
		expect(read('Grace Okafor <grace@x.test>, Linus van den Berg <linus@x.test>; mei@x.test')).toEqual([
			['Grace', 'Okafor', 'grace@x.test', null],
			['Linus', 'van den Berg', 'linus@x.test', null],
			['', '', 'mei@x.test', null]
		]);
		const alone = ['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test'];
		expect(read('a@x.test b@x.test;c@x.test, mailto:d@x.test').map(([, , email]) => email)).toEqual(alone);
		expect(read("Ana Lind ana@x.test\nBo O’Neil <bo.o'neil@x.test>")).toEqual([
			['Ana', 'Lind', 'ana@x.test', null],
			['Bo', 'O’Neil', "bo.o'neil@x.test", null]
		]);
	});

	test('marks the later of two with one address, whatever the case, unless it is set aside', () => {
		const rows = parseInvitees('A,B,a@x.test\nC,D,c@x.test\nE,F, A@X.test');
		expect([...findProblems(rows)]).toEqual([
			[3, { email: 'The same address as in line 1.', duplicateOf: 1 }]
		]);
		expect(findProblems(rows.slice(1)).size).toBe(0);
		const [first, ...others] = rows;
		expect(findProblems([{ ...first!, isChosen: false }, ...others]).size).toBe(0);
	});

	test('goes over lines that belong to one quoted field, and past a quotation mark that nothing closes', () => {
		expect(parseInvitees('"Grace\nHopper",Okafor,grace@x.test\nLinus,Berg,linus@x.test')).toMatchObject([
			{ line: 1, firstName: 'Grace Hopper' },
			{ line: 3, firstName: 'Linus' }
		]);
		expect(read('Name,Email\n"Grace Okafor,grace@x.test\nLinus Berg,linus@x.test')).toEqual([
			['Grace', 'Okafor', 'grace@x.test', null],
			linus
		]);
	});

	test('of ten thousand lines is read at once, and of more it says how many are left out', () => {
		const lines = Array.from({ length: 10_300 }, (_, n) => `First,Last,p${n}@x.test,Team member`);
		const rows = parseInvitees(lines.slice(0, 10_000).join('\n'));
		expect(rows).toHaveLength(10_000);
		expect(findProblems(rows).size).toBe(0);
		for (const text of [lines.join('\n'), `First name,Last name,E-mail,Role\n${lines.join('\n')}`]) {
			const reading = readText(text);
			expect(listInvitees(reading)).toHaveLength(10_000);
			expect(reading.leftOut).toBe(300);
		}
	});

	test('costs what its length allows, whatever it is', () => {
		const size = 5_000_000;
		for (const part of [
			'a',
			'@',
			',',
			'"',
			"',",
			'<',
			'a@',
			'a b ',
			'\n',
			'"\n',
			'a@x.test ',
			';"',
			'“',
			'mailto:'
		]) {
			const text = part.repeat(size / part.length);
			// The processor's time, which others on the machine take nothing of.
			const began = process.cpuUsage();
			parseInvitees(text);
			expect(process.cpuUsage(began).user / 1000, part).toBeLessThan(5000);
		}
	});
});
