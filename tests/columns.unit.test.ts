import { describe, expect, test } from 'vitest';
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

	test('that nobody knows is asked about where it matters', () => {
		expect(readText('Name (Qwertz),Email\nMira,mira@x.test').table?.isAsking).toBe(true);
		expect(readText('Name,Email (Qa),Email (Qb)\nMira S,a@x.test,b@x.test').table?.isAsking).toBe(true);
	});
});
