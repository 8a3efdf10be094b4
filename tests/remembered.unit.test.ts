import { expect, test } from 'vitest';
import { errorOf } from '../src/logging.ts';
import { remember } from '#lib/remembered.ts';

test('an answer is kept, one that failed is asked for again, and whoever waits gets the same', async () => {
	const known = new Map<string, Promise<number>>();
	let asked = 0;
	const ask = async () => {
		asked += 1;
		if (asked === 1) throw new Error('Too many open files.');
		return asked;
	};
	const [one, other] = [remember(known, 'key', ask), remember(known, 'key', ask)];
	expect(one).toBe(other);
	await expect(one).rejects.toThrow('Too many open files.');
	expect(await remember(known, 'key', ask)).toBe(2);
	expect(await remember(known, 'key', ask)).toBe(2);
	expect(asked).toBe(2);
});

test('a log line says of an error what it is and where, and nothing that hangs on it', () => {
	const client = { processID: 42, secretKey: 123_456, password: 'hunter22', connectionParameters: {} };
	const cause = Object.assign(new Error('ended'), { code: '57P01', client, parameters: ['hunter22'] });
	const error = Object.assign(new Error('no answer', { cause }), { client, query: 'select hunter22' });
	for (const one of [error, { ...error, message: error.message, stack: error.stack, cause }]) {
		const told = errorOf(one);
		expect(told).toMatchObject({ message: 'no answer', cause: { message: 'ended', code: '57P01' } });
		expect(JSON.stringify(told)).not.toMatch(/hunter22|secretKey|123456|processID/);
	}
	expect(errorOf('only words')).toBe('only words');
});
