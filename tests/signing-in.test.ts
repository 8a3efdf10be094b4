import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, refusal, startPortal, uniqueEmail, type Portal } from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

describe('registering and signing in', () => {
	test('answer the same for a known and for a free address', async () => {
		const known = await portal.person();
		const input = { firstName: 'Some', lastName: 'Body', password };
		const visitor = portal.visitor();
		const first = await visitor.api.accounts.register.mutate({ ...input, email: known.email });
		const second = await visitor.api.accounts.register.mutate({ ...input, email: uniqueEmail() });
		expect(first).toEqual(second);
		const wrong = { password: 'not the password' };
		const a = await refusal(visitor.api.sessions.create.mutate({ email: known.email, ...wrong }));
		const b = await refusal(visitor.api.sessions.create.mutate({ email: uniqueEmail(), ...wrong }));
		expect(a).toEqual(b);
		expect(a.status).toBe(400);
	});

	test('of a known address leave its password as it is', async () => {
		const known = await portal.person();
		await portal.visitor().api.accounts.register.mutate({
			firstName: 'Mal',
			lastName: 'Lory',
			email: known.email.toUpperCase(),
			password: 'another password'
		});
		const signIn = portal.visitor().api.sessions.create;
		expect((await refusal(signIn.mutate({ email: known.email, password: 'another password' }))).status).toBe(
			400
		);
		await signIn.mutate({ email: known.email, password });
	});

	test('are limited, also when all attempts come at once', async () => {
		const { email } = await portal.person();
		const visitor = portal.visitor();
		const attempts = Array.from({ length: 20 }, () =>
			refusal(visitor.api.sessions.create.mutate({ email, password: 'wrong password' }))
		);
		const statuses = (await Promise.all(attempts)).map(({ status }) => status);
		// Ten in fifteen minutes; the person's own sign-in was the first.
		expect(statuses.filter((status) => status === 400)).toHaveLength(9);
		expect(statuses.filter((status) => status === 429)).toHaveLength(11);
	});
});
