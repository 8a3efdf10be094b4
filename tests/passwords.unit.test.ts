import { hash } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../src/identity/passwords.ts';

const [composed, decomposed] = ['un mot de pass\u00e9', 'un mot de passe\u0301'];

test('a password composed or decomposed is one', async () => {
	for (const set of [composed, decomposed]) {
		const known = await hashPassword(set);
		for (const typed of [composed, decomposed]) expect(await verifyPassword(known, typed)).toBe(true);
		expect(await verifyPassword(known, 'un mot de passe')).toBe(false);
	}
});

test('hashes from before that was so are still accepted, in either form', async () => {
	for (const set of [composed, decomposed]) {
		const known = await hash(set);
		for (const typed of [composed, decomposed]) expect(await verifyPassword(known, typed)).toBe(true);
	}
});

test('and nobody’s is never right', async () => {
	for (const typed of [composed, decomposed, 'nobody has this password'])
		expect(await verifyPassword(undefined, typed)).toBe(false);
});
