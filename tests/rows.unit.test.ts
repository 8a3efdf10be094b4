import { expect, test } from 'vitest';
import { closingLine, lineOf, type Row } from './load/rows.ts';

const row: Row = { part: 'Calls', name: 'a call', unit: 'a second', portico: 60, floor: 100, betterAuth: 20 };
const least = (of: 'floor' | 'betterAuth', least: number) => ({ of, least });

test('the last line of the bench counts what is met and names what is missed', () => {
	const fast = { ...row, targets: [least('floor', 0.6), least('betterAuth', 3)] };
	const slow = { ...row, name: 'a slow call', targets: [least('floor', 0.61), least('betterAuth', 2)] };
	const heavy: Row = {
		...row,
		name: 'a page',
		unit: 'kB',
		portico: 45.1,
		targets: [{ of: 'figure', most: 45 }]
	};
	expect(closingLine([fast, row])).toBe('2 of 2 targets met');
	expect(closingLine([fast, slow, heavy], ['lists'])).toBe(
		'3 of 5 targets met; missed: Calls: a slow call (0.60 of the floor, ≥ 0.61), Calls: a page (45.1, ≤ 45); could not run: lists'
	);
	expect([fast, slow, heavy].map((one) => lineOf(one).endsWith('missed'))).toEqual([false, true, true]);
});

test('a target beside something that was not measured is missed', () => {
	const { betterAuth: _, ...alone } = row;
	expect(closingLine([{ ...alone, targets: [least('betterAuth', 2)] }])).toContain(
		'0 of 1 targets met; missed'
	);
});
