import { expect, test } from 'vitest';
import { budgets, weighPages } from './load/weights.ts';

test('a page loads no more JavaScript before it works than its budget allows', async () => {
	const weights = new Map((await weighPages()).map(({ route, gzip }) => [route, gzip]));
	const heavy = Object.entries(budgets).filter(
		([route, most]) => !((weights.get(route) ?? Infinity) <= most)
	);
	expect(heavy.map(([route, most]) => `${route}: ${weights.get(route)} bytes of ${most}`)).toEqual([]);
});
