import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownPath } from '#lib/browser/paths.ts';

test.each([
	'//evil.example',
	'/\\evil.example',
	'\\\\evil.example',
	'/\t/evil.example',
	'/..//evil.example',
	'/.//evil.example',
	'/a/..//evil.example',
	'/%2e%2e//evil.example',
	'javascript:alert(1)',
	'https://evil.example/',
	'',
	null
])('leads home from %j', (next) => {
	expect(ownPath(next)).toBe('/dashboard');
});

test('keeps a path of our own with its query', () => {
	expect(ownPath('/orgs/acme/users?q=ines')).toBe('/orgs/acme/users?q=ines');
});

test('never leads to another origin, whatever is asked for', () => {
	const piece = fc.constantFrom(
		'/',
		'\\',
		'.',
		'..',
		'//',
		'%2e',
		'%2f',
		'%5c',
		'\t',
		'\n',
		'@',
		':',
		'?',
		'#',
		'evil.example'
	);
	fc.assert(
		fc.property(
			fc.oneof(
				fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`),
				fc.string()
			),
			(next) => {
				expect(new URL(ownPath(next), 'https://portico.test').origin).toBe('https://portico.test');
			}
		),
		{ numRuns: 2000 }
	);
});
