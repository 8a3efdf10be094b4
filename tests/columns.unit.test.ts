import { describe, expect, test, vi } from 'vitest';
import { listInvitees, parseInvitees } from '#lib/browser/invitees.ts';
import { findHeading } from '#lib/browser/lists/headings.ts';
import { readText } from '#lib/browser/lists/texts.ts';

/** What the columns of a list are: by their headings, by what stands beside those, and by what stands below. */

const who = (text: string) =>
	parseInvitees(text).map(({ firstName, lastName, email }) => `${firstName} ${lastName} ${email}`.trim());

describe('what stands beside a heading', () => {
	test.each([
		['Name,Email (manager),Email', 'Mira Solberg,bo@x.test,mira@x.test'],
		['Name,Email,Email (line manager)', 'Mira Solberg,mira@x.test,bo@x.test'],
		['Vorname;Nachname;E-Mail (privat);E-Mail (geschäftlich)', 'Mira;Solberg;m@home.test;mira@x.test'],
		['Vorname;Nachname;E-Mail (Notfallkontakt);E-Mail', 'Mira;Solberg;m@home.test;mira@x.test'],
		['Name,Email (home),Email (work)', 'Mira Solberg,m@home.test,mira@x.test'],
		['Name,Email [personal],Email [work]', 'Mira Solberg,m@home.test,mira@x.test'],
		['Name,Email (personal / optional),Email (office) *', 'Mira Solberg,m@home.test,mira@x.test'],
		['Name,Email - Personal,Email - Company', 'Mira Solberg,m@home.test,mira@x.test'],
		['Nom;Courriel (personnel);Courriel (professionnel)', 'Mira Solberg;m@home.test;mira@x.test'],
		['Nombre,Apellidos,Correo (particular),Correo (empresa)', 'Mira,Solberg,m@home.test,mira@x.test'],
		['Name (Manager),Name,Email', 'Bo Boss,Mira Solberg,mira@x.test'],
		['Name (emergency contact),Name,Email', 'Bo Boss,Mira Solberg,mira@x.test'],
		['Name,Name (Vorgesetzte),Email', 'Mira Solberg,Bo Boss,mira@x.test'],
		['Name (first),Name (last),Email', 'Mira,Solberg,mira@x.test'],
		['Name [Last],Name [First],Email', 'Solberg,Mira,mira@x.test'],
		['Name (family),Name (given),Email', 'Solberg,Mira,mira@x.test'],
		['Name (Nachname, Vorname);E-Mail (dienstlich)', 'Solberg, Mira;mira@x.test']
	])('%s is taken for what it says', (headings, row) => {
		const reading = readText(`${headings}\n${row}`);
		expect(reading.table?.isAsking).toBe(false);
		expect(who(`${headings}\n${row}`)).toEqual(['Mira Solberg mira@x.test']);
	});

	test.each(
		[
			'[Required]',
			'[READ ONLY]',
			'(optional)',
			'*',
			'(*)',
			'(Pflichtfeld)',
			'(obligatoire)',
			'[obligatorio]',
			'(verplicht)'
		].flatMap((decoration) =>
			[
				['Email', 'email'],
				['Vorname', 'firstName'],
				['Status', 'status']
			].map(([heading, meaning]) => [`${heading} ${decoration}`, meaning])
		)
	)('%s says only how it is filled in', (heading, meaning) => expect(findHeading(heading!)).toBe(meaning));

	test.each(['Email (private)', 'E-Mail [Assistenz]', 'Email (spouse)', 'Email (old)', 'Email: home'])(
		'no invitation goes to %s unless somebody says so',
		(heading) => {
			const reading = readText(`Name,${heading}\nMira Solberg,m@home.test`);
			expect(reading.table?.isAsking).toBe(true);
			expect(listInvitees(reading)[0]?.email).toBe('');
		}
	);

	test.each([
		'Email (spouse)',
		'Role (manager)',
		'Status (Vorgesetzte)',
		'Name [emergency]',
		'Vorname (Mutter)'
	])('%s is of somebody else', (heading) => expect(findHeading(heading)).toBe('ignore'));

	test('that nobody knows is asked about where it matters', () => {
		expect(readText('Name (Qwertz),Email\nMira,mira@x.test').table?.isAsking).toBe(true);
		expect(readText('Name,Email (Qa),Email (Qb)\nMira S,a@x.test,b@x.test').table?.isAsking).toBe(true);
	});
});

const standing = (heading: string, value: string) => {
	const reading = readText(`Name;Email;${heading}\nGrace Okafor;grace@x.test;${value}`);
	const [row] = listInvitees(reading);
	return { ...row, isAsking: reading.table?.isAsking };
};

describe('who is gone', () => {
	test.each([
		['Worker status', 'Terminated'],
		['HR-Status', 'ausgeschieden'],
		['Current status', 'Deactivated'],
		['Sign-in status', 'Blocked'],
		['Statut utilisateur', 'Désactivé'],
		['Estado laboral', 'Despedida'],
		['Zustand', 'Gesperrter Zugang'],
		['Personalkategorie', 'Ehemalige'],
		['Login enabled', 'false'],
		['Can sign in', 'No'],
		['Account is active', 'no'],
		['Still employed', 'nein'],
		['Anmeldung blockieren', 'Wahr'],
		['User disabled', 'TRUE'],
		['Not active', 'yes'],
		['Deactivated', '2024-05-01'],
		['Suspended', '01.05.2024'],
		['Archived', '3 May 2024'],
		['Suspended', 'by admin, 2024'],
		['Status', 'Deaktiviertes Konto'],
		['Status', 'Deceased'],
		['Status', 'LOCKED_OUT'],
		['Status', 'Do not contact'],
		['Status', 'No longer employed'],
		['Status', 'nicht mehr da'],
		['Status', 'lockedOut'],
		['Status', 'En retraite'],
		['Status', 'Quxed']
	])('by %s = %s is set aside, with the reason', (heading, value) => {
		expect(standing(heading, value)).toMatchObject({
			isChosen: false,
			isAsking: false,
			reason: expect.stringContaining(value)
		});
	});

	test.each([
		['Worker status', 'Active'],
		['HR-Status', 'Aktiv'],
		['Status', 'Full-time'],
		['Status', 'On leave'],
		['Status', 'Aktiv seit 2020'],
		['Login enabled', 'true'],
		['Anmeldung blockieren', 'Falsch'],
		['MFA enabled', 'false'],
		['Email status', 'Bounced'],
		['Deactivated', '-'],
		['Deactivated', 'never'],
		['Deactivated', '2999-05-01'],
		['Suspended', 'no'],
		['Suspended', 'Not suspended'],
		['Account type', 'Federated']
	])('by %s = %s is nobody', (heading, value) => {
		expect(standing(heading, value)).toMatchObject({ isChosen: true, reason: null, isAsking: false });
	});

	test.each(['Active', 'Still employed'])('by %s without the mark that others have', (heading) => {
		for (const mark of ['x', 'X', '✓']) {
			const rows = parseInvitees(`Name,Email,${heading}\nA B,a@x.test,${mark}\nC D,c@x.test,`);
			expect(rows.map(({ isChosen }) => isChosen)).toEqual([true, false]);
		}
		expect(standing(heading, '✗')).toMatchObject({ isChosen: false, reason: `${heading}: ✗` });
	});

	test('is asked about where a column that nobody knows may say so', () => {
		const text = `Name,Email,Qwertz\nA B,a@x.test,Regular\nC D,c@x.test,Terminated\nE F,e@x.test,Loan`;
		expect(readText(text).table?.isAsking).toBe(true);
	});

	const today = new Date('2026-11-26T10:00:00Z');
	test.each([
		['Austrittsdatum', ['12.11.2026'], [false]],
		['Austrittsdatum', ['31.12.2030', '11.12.2026', '1.3.26'], [true, true, false]],
		['Leaving date', ['12/11/2026'], [false]],
		['Leaving date', ['12/11/2026', '25/12/2026'], [false, true]],
		['Leaving date', ['11/12/2026', '13/01/2027'], [true, true]],
		['Leaving date', ['11/12/2026', '12/25/2026'], [false, true]],
		['Leaving date', ['12/12/2026', '01/02/2027'], [true, true]],
		['Datum uit dienst', ['12-11-2026', '25-12-2026'], [false, true]],
		[
			'Termination date',
			['N/A', '-', 'never', '', 'unbefristet', 'none'],
			[true, true, true, true, true, true]
		],
		[
			'Termination date',
			['2026-11-12', '2026/12/11', '20261112', '46338', '46400'],
			[false, true, false, false, true]
		],
		[
			'Last day',
			['12 Nov 2026', 'December 11, 2026', '12. November 2026', '11 décembre 2026'],
			[false, true, false, true]
		],
		['Left on', ['12.11.2026', ''], [false, true]],
		['Last day', ['soon'], [false]]
	] as const)('by %s of %j', (heading, days, chosen) => {
		vi.useFakeTimers({ now: today, toFake: ['Date'] });
		try {
			const rows = days.map((day, at) => `Name ${at};p${at}@x.test;${day}`);
			const list = parseInvitees(`Name;Email;${heading}\n${rows.join('\n')}`);
			expect(list.map(({ isChosen }) => isChosen)).toEqual(chosen);
			for (const row of list) if (!row.isChosen) expect(row.reason).toContain(heading);
		} finally {
			vi.useRealTimers();
		}
	});
});

describe('a column that is not understood', () => {
	test.each([
		'Vorname;Nachnme;E-Mail\nMira;Solberg;mira@x.test',
		'First name;Prezime;E-mail\nMira;Solberg;mira@x.test',
		'Qime;Surname;E-mail\nMira;Solberg;mira@x.test',
		'Name;Nachnme;E-mail\nMira;Solberg;mira@x.test',
		'Prénom;Nm;Courriel;Ville\nMira;Solberg;mira@x.test;Oslo'
	])('is asked about where half of the name is missing: %s', (text) =>
		expect(readText(text).table?.isAsking).toBe(true)
	);
	test.each([
		'First name;Last name;Email;Qwertz\nMira;Solberg;mira@x.test;Blue',
		'Name;Email;Qwertz\nMira Solberg;mira@x.test;Blue',
		'First name;Email\nMira;mira@x.test',
		'First name;Email;Qwertz\nMira;mira@x.test;4711',
		'First name;Email;Manager name\nMira;mira@x.test;Bo Boss'
	])('is nobody’s question otherwise: %s', (text) => expect(readText(text).table?.isAsking).toBe(false));
});
