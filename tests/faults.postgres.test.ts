import { expect, test } from 'vitest';
import { faults } from './faults/faults.ts';
import { soak, type Run } from './faults/soak.ts';
import { findProgram } from './programs.ts';

/** The faults of `npm run soak`, each once: what pages have seen is what was committed. */

const names = Object.keys(faults);
const short = {
	seed: 1,
	companies: 2,
	pages: 3,
	// By what happens meanwhile, and not by the clock.
	absence: ({ writer }) => writer.until(10),
	patience: 240_000
} satisfies Partial<Run>;

test('each fault once, on two portals: nothing is lost, doubled or out of order', async () => {
	const report = await soak({ ...short, nginx: null, names, isOver: (rounds) => rounds === names.length });
	expect(report.wrong).toEqual([]);
	expect(Object.values(report.faults).map(({ times }) => times)).toEqual(names.map(() => 1));
	expect(report.notTried).toEqual([]);
	expect(report.answered).toBeGreaterThan(30);
	// The one that read nothing, at least.
	expect(report.reloads).toBeGreaterThan(0);
});

test('a rolling restart behind nginx with the lines of the documentation, where it is installed', async ({
	skip
}) => {
	const nginx = findProgram('nginx');
	if (!nginx) return skip('nginx is not installed here');
	const rolling = names.filter((name) => name.includes('one after the other'));
	expect(rolling).toHaveLength(1);
	const others = names.filter((name) => !rolling.includes(name));
	const all = [...rolling, ...others];
	const report = await soak({ ...short, nginx, names: all, isOver: (rounds) => rounds === 1 });
	expect(report.wrong).toEqual([]);
	// What it didn't come to is no success.
	expect(report.notTried).toEqual(others);
	// A question goes to the other portal.
	expect(report.unanswered).toBe(0);
});
