import { expect, test } from 'vitest';
import { readEnv } from '../src/env.ts';

/** What a wrong environment is told. */
const said = (env: Record<string, string>) => {
	try {
		readEnv(env);
		return '';
	} catch (error) {
		return String(error);
	}
};

test.each([
	'smtp://user:pa#ss@host',
	'smtp://A:123/x@host',
	'smtp://A:123?x@host',
	'smtp://A:123#x@host',
	'smtp://user:pa/ss@host',
	'smtp://user:100%@host',
	'smtp://user:pass@host/path'
])('%s is told how special characters are written, and nothing of what it holds', (SMTP_URL) => {
	const words = said({ SMTP_URL });
	expect(words).toMatch(/SMTP_URL: .*%23/);
	expect(words).not.toMatch(/must begin with/);
	for (const part of ['ss@', 'x@', 'host/', '100%']) expect(words).not.toContain(part);
});

test.each([
	['smtp.example.com', 'must begin with smtp:// or smtps://'],
	['http://smtp.example.com', 'must begin with smtp:// or smtps://'],
	['smtp://', 'names no host']
])('%s %s', (SMTP_URL, words) => expect(said({ SMTP_URL })).toContain(`SMTP_URL: ${words}`));

test.each([
	'smtp://localhost',
	'smtp://localhost:2525/',
	'smtps://user:p%23%2F%3F%40a@smtp.example.com:465',
	'smtp://user@example.com:pa%20ss@smtp.example.com',
	'smtp://[::1]:25',
	'smtp://host?ignoreTLS=true'
])('%s is taken', (SMTP_URL) => expect(said({ SMTP_URL })).toBe(''));

test('the same holds for the database', () => {
	expect(said({ DATABASE_URL: 'postgres://user:pa#ss@host/db' })).toMatch(/DATABASE_URL: .*%23/);
	expect(said({ DATABASE_URL: 'postgres://user:1/2@host/db' })).toMatch(/DATABASE_URL: .*%23/);
	for (const url of ['postgres://user:p%23@host/db', 'postgresql:///db?host=/var/run/postgresql'])
		expect(said({ DATABASE_URL: url })).toBe('');
});

test('addresses are read as people’s own, and name their variable when wrong', () => {
	const PORTAL_ADMIN_PASSWORD = 'a password for tests';
	const env = readEnv({ PORTAL_ADMIN_EMAIL: "Pat.O'Brien@x.test\u200b", PORTAL_ADMIN_PASSWORD });
	expect(env.PORTAL_ADMIN_EMAIL).toBe("pat.o'brien@x.test");
	for (const PORTAL_ADMIN_EMAIL of ['pat', 'pat@x', 'pät@x.test', 'pat@x.test, ada@x.test'])
		expect(said({ PORTAL_ADMIN_EMAIL, PORTAL_ADMIN_PASSWORD })).toContain(
			'PORTAL_ADMIN_EMAIL: must be an e-mail address'
		);
	expect(said({ MAIL_FROM: 'pat' })).toContain('MAIL_FROM: must be an e-mail address');
});

test('numbers and choices are told in words', () => {
	expect(said({ PORT: 'x' })).toContain('PORT: must be a whole number from 1 to 65535');
	expect(said({ LOG_LEVEL: 'loud' })).toContain('LOG_LEVEL: must be one of fatal, error');
});
