import { expect, test } from 'vitest';
import { alphabets, broken, inputWith, procedures, textLeaves } from './inputs.ts';

/** Whether the input is refused because of what stands in that place. */
function isRefused({ schema, leaves, leaf }: (typeof textLeaves)[number], value: unknown): boolean {
	const issues = schema.safeParse(inputWith(leaves, leaf, value)).error?.issues ?? [];
	return issues.some(({ path }) => path.join('.') === leaf.path.join('.'));
}

test('the walk finds the texts of every procedure, also in lists and inside of others', () => {
	const names = textLeaves.map(({ name }) => name);
	expect(procedures.length).toBeGreaterThan(80);
	expect(names).toEqual(
		expect.arrayContaining([
			'accounts.register firstName',
			'invitations.createMany rows.0.email',
			'organizations.listMore after.value',
			'mailServers.update adminRecipients.0',
			'emails.update body',
			'organizations.open slug'
		])
	);
});

test('what fits is taken: nothing is refused for its form alone', () => {
	const refused = procedures.filter(({ schema, leaves }) =>
		schema.safeParse(inputWith(leaves, null, null)).error?.issues.some(({ code }) => code === 'invalid_type')
	);
	expect(refused.map(({ path }) => path)).toEqual([]);
});

test.each(textLeaves)('$name takes neither a NUL nor half a character nor a text without end', (one) => {
	for (const value of [...broken, 'x'.repeat(200_000), ' '.repeat(200_000)])
		expect(isRefused(one, value), JSON.stringify(value.slice(0, 10))).toBe(true);
});

const long = Object.entries(alphabets());

/** Milliseconds of the processor, which other programs don't sway; the best of several. */
function costOf(run: () => void): number {
	const once = () => {
		const before = process.cpuUsage();
		run();
		const { user, system } = process.cpuUsage(before);
		return (user + system) / 1000;
	};
	let best = once();
	for (let turn = 0; best > 20 && turn < 5; turn++) best = Math.min(best, once());
	return best;
}

test.each(textLeaves)('$name is checked at once, however long and of whatever letters', (one) => {
	for (const [alphabet, text] of long) {
		const input = inputWith(one.leaves, one.leaf, text);
		const cost = costOf(() => one.schema.safeParse(input));
		expect(cost, alphabet).toBeLessThan(20);
	}
});
