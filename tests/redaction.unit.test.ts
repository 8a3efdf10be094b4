import { expect, test } from 'vitest';
import { loggedPath, withoutSecrets } from '#lib/redaction.ts';

const token = 'qZ3-rT_9'.repeat(6).slice(0, 43);
const links = ['invitations', 'setup', 'verify-email', 'reset-password', 'unsubscribe'];
const encoded = [...token].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('');

test.each(links)('the secret of a link of /%s is in no log, however it is spelled', (link) => {
	const first = `%${link.charCodeAt(0).toString(16)}${link.slice(1)}`;
	const paths = [
		`/${link}/${token}`,
		`//${link}/${token}`,
		`/${link}//${token}`,
		`/./${link}/${token}`,
		`/x/../${link}/${token}`,
		`/${first}/${token}`,
		`/${first.replace('%', '%25')}/${token}`,
		`/${link.toUpperCase()}/${token}`,
		`/${link}%2f${token}`,
		`/${link}%252F${token}`,
		`/${link}\\${token}`,
		`/${link}/${token}/more`,
		`/${link}/more/${token}`,
		`/${link}/${token}/__data.json`,
		`/${link}/${encoded}`,
		`/${link}/%E0%A4/${token}`,
		`/${link}/${encoded}%E0`,
		`/${link}/${token.slice(0, 10)}.${token.slice(10)}`,
		`/${token}`,
		`/orgs/${token}/users`
	];
	for (const path of paths) {
		const logged = decodeURIComponent(loggedPath(path).replace(/%(?![\da-f]{2})/gi, '%25'));
		expect(logged, path).not.toContain(token);
		expect(logged, path).not.toContain(token.slice(10));
	}
});

test.each([
	'/',
	'/invitations',
	'/trpc/accounts.resendVerification,invitations.createMany',
	'/orgs/northwind/users',
	'/api/organizations/7d9d3a5e-1f0c-4c58-9d2f-0a3f4b5c6d7e/activity.csv'
])('%s is logged as it is', (path) => expect(loggedPath(path)).toBe(path));

test('the words of an error are kept, but for what may be a secret', () => {
	expect(withoutSecrets(`Not found: /setup/${token}`)).toBe('Not found: /setup/…');
	expect(withoutSecrets(`Not found: /%73etup/${encoded}`)).toBe('Not found: /%73etup/…');
	expect(withoutSecrets('violates "organization_deletion_asked_by_fkey"')).toBe(
		'violates "organization_deletion_asked_by_fkey"'
	);
	expect(withoutSecrets('TypeError: cannot readTheHeadersOfTheRequest')).toBe(
		'TypeError: cannot readTheHeadersOfTheRequest'
	);
});
