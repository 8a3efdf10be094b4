import { expect, test } from 'vitest';
import { z } from '#lib/schema.ts';
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

/** Whole documents are long; any other text is not. */
const endless = ({ name }: { name: string }) => (name === 'documents.upload text' ? 6_000_000 : 200_000);

test.each(textLeaves)('$name takes neither a NUL nor half a character nor a text without end', (one) => {
	for (const value of [...broken, 'x'.repeat(endless(one)), ' '.repeat(endless(one))])
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

/** What zod says by itself, in the words of a programmer. */
const ofZod =
	/invalid|expected|received|unrecognized|too (big|small)|[<>]=?\s*\d|must (be|match|start|end|have)/i;
const odd = [
	undefined,
	null,
	'',
	' ',
	'x',
	'@',
	-1,
	0.5,
	NaN,
	1e12,
	true,
	[],
	[null],
	Array(11).fill('x'),
	{},
	{ x: 1 }
];

test('whatever is wrong in whatever place, words for people say so', () => {
	const said = procedures.flatMap(({ path, schema, leaves }) => {
		const places = [{ path: ['unknown'], kind: 'string', options: [] }, ...leaves];
		return places.flatMap((place) =>
			odd.flatMap((value) => {
				const { error } = schema.safeParse(inputWith(leaves, place, value));
				return (error?.issues ?? []).map(({ message }) => `${path} ${place.path.join('.')}: ${message}`);
			})
		);
	});
	expect(said.length).toBeGreaterThan(1000);
	expect(said.filter((one) => ofZod.test(one.slice(one.indexOf(': '))) || !/[.…]$/.test(one))).toEqual([]);
	const { error } = z.strictObject({ x: z.union([z.email(), z.url()]) }).safeParse({ x: 1, y: 2 });
	expect(error?.issues.filter(({ message }) => ofZod.test(message))).toEqual([]);
});
