import { domainToASCII, domainToUnicode } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
	applicationName,
	credentialLabel,
	email,
	firstName,
	lastName,
	normalizeEmail,
	organizationName,
	portalName
} from '#lib/fields.ts';
import { cursor } from '#lib/views.ts';
import { keysOf } from '../src/procedures/organizations/names.ts';

describe('an e-mail address', () => {
	test.each([
		'a@x.test/evil',
		'a@x.test:8080',
		'a@x.test:',
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
		'a@x.test.',
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

	test.each([
		['A@X.test', 'a@x.test'],
		[' a@x.test ', 'a@x.test'],
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
		'a evil.test',
		'Dr.Oetker',
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
