import { normalizeEmail } from '#lib/email-addresses.ts';
import { domainToASCII, domainToUnicode } from 'node:url';
import fc from 'fast-check';
import { numberOf } from '#lib/browser/typed-numbers.ts';
import { describe, expect, test } from 'vitest';
import {
	applicationName,
	credentialLabel,
	email,
	firstName,
	inputOf,
	lastName,
	names as oneOfTwo,
	organizationName,
	password,
	portalName
} from '#lib/fields.ts';
import { cursor } from '#lib/views.ts';
import { keysOf } from '../src/procedures/organizations/names.ts';

describe('an e-mail address', () => {
	test.each([
		'a@x.test/evil',
		'a@x.test:8080',
		'a@x.test?x',
		'a@x.test#x',
		'a@x.test\\evil',
		'a@x.te%73t',
		'a@%41.test',
		'a@[::1]',
		'a@[1.2.3.4]',
		'a@1.2.3.4',
		'a@x.test\0',
		'a@x.\0test',
		'a@x.te\tst',
		'a@x.te\nst',
		'a@x .test',
		'a@.x.test',
		'a@x..test',
		'a@x_y.test',
		'a@-x.test',
		'a@x-.test',
		'a@x.test;b',
		'a@x.test,b',
		'a@x.test<b>',
		'a@x.test|b',
		'a@x\u00ad.test',
		'a@x\u200d.test',
		'a@x\ufe0f.test',
		'a@x\u3164.test',
		'a@x。test',
		'a@ｘ.test',
		'a@b@x.test',
		'a@user:pw@x.test',
		'a@x',
		`a@${'x'.repeat(64)}.test`,
		`${'a'.repeat(65)}@x.test`,
		'@x.test',
		'a@',
		'a'.repeat(100_000),
		`a@${'a-'.repeat(100_000)}`
	])('%j is none', (text) => {
		expect(normalizeEmail(text)).toBeNull();
		expect(email.safeParse(text).success).toBe(false);
	});

	test.each<readonly [string, string | null]>([
		['A@X.test', 'a@x.test'],
		[' a@x.test ', 'a@x.test'],
		["pat.o'brien@x.test", "pat.o'brien@x.test"],
		["Pat.O'Brien@x.test", "pat.o'brien@x.test"],
		['a`b@x.test', 'a`b@x.test'],
		...['\u200b', '\u200e', '\ufeff', '\u00a0', '\u202a', '\u2060', '\u3000'].flatMap((unseen) => [
			[`${unseen}a@x.test`, 'a@x.test'] as const,
			[`a@x.test${unseen}`, 'a@x.test'] as const,
			[`${unseen} <a@x.test>${unseen},`, 'a@x.test'] as const
		]),
		['mailto:a@x.test', 'a@x.test'],
		['mailto:pat.o%27brien@x.test', "pat.o'brien@x.test"],
		['MAILTO://%61@x.test?subject=Hi', 'a@x.test'],
		['mailto:a%2Bb@x.test', 'a+b@x.test'],
		['<MAILTO:A@x.test?subject=Hello>.', 'a@x.test'],
		["'a@x.test'", 'a@x.test'],
		['“a@x.test”;', 'a@x.test'],
		['(a@x.test)', 'a@x.test'],
		['a@x.test.', 'a@x.test'],
		['a@x.test:', 'a@x.test'],
		['a@x.test。', 'a@x.test'],
		['a+b@münchen.de', 'a+b@xn--mnchen-3ya.de'],
		['a@xn--mnchen-3ya.de', 'a@xn--mnchen-3ya.de'],
		['a@उदाहरण.परीक्षा', 'a@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g'],
		['a@例え.jp', 'a@xn--r8jz45g.jp'],
		['a@a-b.c-d.test', 'a@a-b.c-d.test'],
		['a@stra\u00dfe.test', 'a@xn--strae-oqa.test'],
		['a@x\u1f80.test', null]
	])('%j is %s', (text, normal) => expect(normalizeEmail(text)).toBe(normal));

	test('keeps every character of the domain that was typed', () => {
		const part = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
		const latin = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 });
		const domain = fc
			.tuple(fc.oneof(part, latin), fc.oneof(part, latin, fc.constant('')))
			.map(([one, other]) => `x${one}${other}.test`);
		fc.assert(
			fc.property(domain, (given) => {
				const normal = normalizeEmail(`a@${given}`);
				// Which small letter is meant by a great sigma depends on where it stands.
				if (normal === null || given.includes('Σ')) return;
				const typed = given.trim().toLowerCase().normalize('NFC');
				const kept = normal.slice(2);
				expect([domainToUnicode(kept).toLowerCase(), kept]).toContain(typed);
				expect(kept).toBe(domainToASCII(typed));
			}),
			{ numRuns: 3000 }
		);
	});
});

const names = { firstName, lastName, organizationName, applicationName, credentialLabel };
const said = (schema: typeof firstName, text: string) => schema.safeParse(text).error?.issues[0]?.message;

describe.each(Object.entries(names))('%s', (_, schema) => {
	test.each([
		'win-a-prize.com free money',
		'a evil.shop',
		'evil.com.Smith',
		'evil.xn--p1ai',
		'evil.рф',
		'evil\u3002com',
		't.me/win',
		'see x.com',
		'go to 1.2.3.4',
		'http:evil',
		'evil\u00ad.com',
		'ｅｖｉｌ．ｃｏｍ',
		'see EVIL.ORG'
	])('can’t look like a web address: %s', (text) =>
		expect(said(schema, text)).toContain("can't look like a web address")
	);

	test.each(['https://x', 'www.x'])('can’t hold a web address: %s', (text) =>
		expect(said(schema, text)).toContain("can't hold a web address")
	);

	test.each([
		'St. John',
		'Md.Rahman',
		'Ma.Teresa',
		'St.John',
		'Jean.Paul',
		'Dr.Oetker',
		'A.Kim',
		'J.R.R. Tolkien',
		'J.Smith',
		'Version 1.2',
		'Yahoo! Inc.',
		'A. B. C.',
		'Ł',
		'漢字',
		'می‌خواهم',
		'👩‍💻',
		'3M',
		'+'
	])('may be %s', (text) => expect(said(schema, text)).toBeUndefined());
});

describe('what is typed as a name', () => {
	test.each(Object.entries(names))(
		'%s is kept composed, and without what nobody sees around it',
		(_, schema) => {
			for (const unseen of ['\u200b', '\u200e', '\ufeff', '\u202a', '\u2060', '\u00a0', ' '])
				for (const text of [
					`${unseen}Ve\u0301ronique`,
					`Ve\u0301ronique${unseen}`,
					`${unseen}Véronique ${unseen}`
				])
					expect(schema.parse(text), JSON.stringify(text)).toBe('Véronique');
			expect(schema.parse('Ana  \u00a0 Maria')).toBe('Ana Maria');
			expect(said(schema, 'Ana\u202eMaria')).toContain("can't be seen");
		}
	);

	test('may be one name alone, in either place, and not none', () => {
		const input = inputOf({ ...oneOfTwo, email });
		const fits = (firstName: string, lastName: string) =>
			input
				.safeParse({ firstName, lastName, email: 'a@x.test' })
				.error?.issues.map(({ path }) => path.join('.'));
		expect(fits('Sukarno', '')).toBeUndefined();
		expect(fits(' ', 'Sukarno')).toBeUndefined();
		expect(fits('', '\u200b')).toEqual(['firstName']);
		expect(fits('evil.com', 'Sukarno')).toEqual(['firstName']);
		const nothing = input.safeParse({ firstName: '', lastName: '', email: '' });
		expect(nothing.error?.issues.map(({ path }) => path.join('.')).toSorted()).toEqual([
			'email',
			'firstName'
		]);
	});
});

test('a password is as long as it is composed', () => {
	expect(password.parse('e\u0301'.repeat(10))).toBe('é'.repeat(10));
	expect(password.safeParse('e\u0301'.repeat(9)).success).toBe(false);
	expect(password.safeParse('e\u0301'.repeat(200)).success).toBe(true);
	expect(password.safeParse('é'.repeat(201)).success).toBe(false);
});

test.each([...Object.entries(names), ['portalName', portalName] as const])(
	'%s has something that can be seen',
	(_, schema) => {
		for (const text of [
			'\u00ad',
			'\u3164',
			'\u115f\u1160',
			'\u2060',
			'\u200d',
			'\ufe0f',
			'\u0301',
			'\u2800',
			'-',
			'. .',
			'\u{e0041}'
		])
			expect(said(schema, text), JSON.stringify(text)).toBeDefined();
	}
);

describe('two names of organizations', () => {
	test.each([
		'\u00ad',
		'\u200c',
		'\u200d',
		'\u2060',
		'\u3164',
		'\u115f',
		'\ufe0f',
		'\u034f',
		'\u180e',
		'\u{e0020}'
	])('are one when %j is all that tells them apart', (unseen) => {
		for (const name of [`Ac${unseen}me Ltd`, `${unseen}Acme Ltd`, `Acme Ltd${unseen}`, `Acme ${unseen} Ltd`])
			expect(keysOf(name)).toEqual(keysOf('Acme Ltd'));
	});

	test('are two when a letter is another', () =>
		expect(keysOf('Acme').nameKey).not.toBe(keysOf('Acne').nameKey));
});

test('a place in a list is a moment as the database writes it', () => {
	const id = '00000000-0000-4000-8000-000000000000';
	const isPlace = (value: string) => cursor.safeParse({ value, id }).success;
	for (const value of [
		'2026-11-24 09:00:00+00',
		'2026-11-24 09:00:00.123456+05:30',
		'2026-11-24 09:00:00.1-03'
	])
		expect(isPlace(value), value).toBe(true);
	for (const value of [
		'junk',
		'',
		'now',
		'infinity',
		'2026-02-30 00:00:00+00',
		'0000-01-01 00:00:00+00',
		'2026-11-24',
		'2026-11-24 09:00:00'
	])
		expect(isPlace(value), value).toBe(false);
});

test('a whole number may be typed in groups, as pages write it, and nothing that could be meant as a part is taken', () => {
	for (const [typed, number] of [
		['0', 0],
		[' 25 ', 25],
		['4,000', 4000],
		['2,000,000,000', 2_000_000_000],
		['4 000', 4000],
		['1\u202f500\u202f000', 1_500_000],
		['1\u00a0500', 1500],
		['12’345', 12_345],
		["12'345", 12_345],
		['12,34,567', 1_234_567]
	] as const)
		expect(numberOf(typed), typed).toBe(number);
	for (const typed of [
		'',
		' ',
		'1,5',
		'1.500',
		'1,50',
		'1,500.0',
		'1,500 000',
		'-5',
		'1e3',
		'0x10',
		',500',
		'5,'
	])
		expect(numberOf(typed), typed).toBeNaN();
});
