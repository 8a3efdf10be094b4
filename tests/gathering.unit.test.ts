import { expect, test } from 'vitest';
import type { Db } from '../src/database/database.ts';
import { gather, share } from '../src/database/gathering.ts';

const db = {} as Db;

/** A question whose statements are answered when the test says so. */
function heldBack() {
	const sent: { keys: string[]; answer: (found?: string[]) => void; fail: (error: Error) => void }[] = [];
	const ask = gather<string>((_, keys) => {
		const { promise, resolve, reject } = Promise.withResolvers<Map<string, string>>();
		const answer = (found = keys) =>
			resolve(new Map(found.map((key) => [key, `${key} of statement ${sent.length}`])));
		sent.push({ keys, answer, fail: reject });
		return promise;
	});
	return { sent, ask: (key: string) => ask(db, key) };
}

test('whoever asks while a statement is under way is answered by the next one, never by that one', async () => {
	const { sent, ask } = heldBack();
	const first = ask('a');
	const later = [ask('a'), ask('b'), ask('b'), ask('unknown')];
	expect(sent.map(({ keys }) => keys)).toEqual([['a']]);
	sent[0]?.answer();
	expect(await first).toBe('a of statement 1');
	await expect.poll(() => sent.map(({ keys }) => keys)).toEqual([['a'], ['a', 'b', 'unknown']]);
	sent[1]?.answer(['a', 'b']);
	expect(await Promise.all(later)).toEqual([
		'a of statement 2',
		'b of statement 2',
		'b of statement 2',
		undefined
	]);
});

test('a statement that fails fails for those who were asked for by it, and for nobody after them', async () => {
	const { sent, ask } = heldBack();
	const first = ask('a');
	const second = ask('b');
	sent[0]?.fail(new Error('away'));
	await expect(first).rejects.toThrow('away');
	await expect.poll(() => sent).toHaveLength(2);
	sent[1]?.answer();
	expect(await second).toBe('b of statement 2');
});

test('nobody waits for a statement that is never answered, nor in a heap without end', async () => {
	const { sent, ask } = heldBack();
	void ask('silent');
	void ask('patient');
	await expect.poll(() => sent.map(({ keys }) => keys)).toEqual([['silent'], ['patient']]);
	for (let n = 0; n < 500; n += 1) void ask(`key ${n}`);
	expect(sent[2]?.keys).toHaveLength(500);
});

test('who asks about the same thing meanwhile shares the next answer; nobody waits for one about something else', async () => {
	const sent: { key: string; answer: (text: string) => void; fail: (error: Error) => void }[] = [];
	const ask = share<string>((_, key) => {
		const { promise, resolve, reject } = Promise.withResolvers<string>();
		sent.push({ key, answer: resolve, fail: reject });
		return promise;
	});
	const keys = () => sent.map(({ key }) => key);
	const first = ask(db, 'a');
	const later = [ask(db, 'a'), ask(db, 'a')];
	const other = ask(db, 'b');
	expect(keys()).toEqual(['a', 'b']);
	sent[1]?.answer('of b');
	expect(await other).toBe('of b');
	sent[0]?.fail(new Error('away'));
	await expect(first).rejects.toThrow('away');
	await expect.poll(keys).toEqual(['a', 'b', 'a']);
	sent[2]?.answer('of a');
	expect(await Promise.all(later)).toEqual(['of a', 'of a']);
	// Nothing is kept: whoever comes then asks anew, and waits for no answer that never comes.
	void ask(db, 'a');
	void ask(db, 'a');
	expect(keys()).toEqual(['a', 'b', 'a', 'a']);
	await expect.poll(keys).toEqual(['a', 'b', 'a', 'a', 'a']);
});
