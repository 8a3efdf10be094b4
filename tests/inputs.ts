import type { z } from 'zod';
import { appRouter } from '../src/router.ts';
import type { Visitor } from './factories.ts';

/** The inputs of all procedures, taken apart: which values they hold, what fits, and what has to be refused. */

type Key = string | number;
export type Leaf = { path: Key[]; kind: string; options: readonly unknown[] };
type Def = {
	type: string;
	format?: string;
	shape?: Record<string, z.ZodType>;
	element?: z.ZodType;
	innerType?: z.ZodType;
	in?: z.ZodType;
	options?: z.ZodType[];
	entries?: Record<string, string>;
	values?: unknown[];
};

const defOf = (schema: z.ZodType) => schema._zod.def as unknown as Def;

/** Each value that the schema has room for. */
export function leavesOf(schema: z.ZodType, path: Key[] = []): Leaf[] {
	const { type, format, shape, element, innerType, in: first, options, entries, values } = defOf(schema);
	if (shape) return Object.entries(shape).flatMap(([key, one]) => leavesOf(one, [...path, key]));
	if (element) return leavesOf(element, [...path, 0]);
	if (type === 'union' && options) return leavesOf(options.at(-1) as z.ZodType, path);
	if (innerType) return leavesOf(innerType, path);
	if (type === 'pipe' && first) return leavesOf(first, path);
	return [{ path, kind: format ?? type, options: values ?? Object.values(entries ?? {}) }];
}

const valid: Record<string, unknown> = {
	uuid: '00000000-0000-4000-8000-000000000000',
	number: 1,
	safeint: 1,
	boolean: true
};
const texts: Record<string, string> = {
	email: 'somebody@example.test',
	from: '2026-11-24T09:00:00.000Z',
	to: '2026-11-25T09:00:00.000Z',
	value: '2026-11-24 09:00:00.123456+00',
	name: 'Name',
	accentColor: '#4f46e5',
	password: 'a long enough password',
	currentPassword: 'a long enough password'
};

/** The value with another one in a place. */
function put(value: unknown, [key, ...rest]: Key[], given: unknown): unknown {
	if (key === undefined) return given;
	if (typeof key === 'number') return [put((value as unknown[] | undefined)?.[key], rest, given)];
	const before = (value ?? {}) as Record<string, unknown>;
	return { ...before, [key]: put(before[key], rest, given) };
}

/** An input that fits as far as its form goes, with a value in one of its places; `known` are ids and names by key. */
export function inputWith(
	leaves: readonly Leaf[],
	one: Leaf | null,
	given: unknown,
	known: Record<string, unknown> = {}
): unknown {
	const whole = leaves.reduce<unknown>((input, { path, kind, options }) => {
		const key = String(path.at(-1));
		const value = known[key] ?? options[0] ?? valid[kind] ?? texts[key] ?? 'Text';
		return put(input, path, value);
	}, {});
	return one ? put(whole, one.path, given) : whole;
}

type Procedure = { _def: { type: 'query' | 'mutation'; inputs: z.ZodType[] } };
// Flat at run time, whatever the type says.
const flat = appRouter._def.procedures as unknown as Record<string, Procedure>;

export const procedures = Object.entries(flat).map(([path, { _def }]) => {
	const [schema] = _def.inputs;
	if (!schema || _def.inputs.length > 1) throw new Error(`${path} has not one input.`);
	return { path, type: _def.type, schema, leaves: leavesOf(schema) };
});

const isText = ({ kind }: Leaf) => !['number', 'safeint', 'boolean'].includes(kind);
export const textLeaves = procedures.flatMap((procedure) =>
	procedure.leaves
		.filter(isText)
		.map((leaf) => ({ ...procedure, leaf, name: `${procedure.path} ${leaf.path.join('.')}` }))
);

const bulk = 150_000;
const fill = (unit: string, length = bulk) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
/** Long texts of many kinds; what is slow on one may be quick on all the others. */
export const alphabets = (length = bulk): Record<string, string> => ({
	letters: fill('a', length),
	'letters and an end': `${fill('a', length - 1)}!`,
	spaces: ` a${fill(' ', length - 3)}a`,
	'tabs and line breaks': `a${fill('\t\r\n', length - 2)}a`,
	'combining marks': fill('a\u0301\u0316\u0302', length),
	'marks alone': fill('\u0327\u0301', length),
	emoji: fill('👩‍💻', Math.floor(length / 5) * 5),
	'letters that grow': fill('\ufdfa', length),
	CJK: fill('漢字', length),
	'right to left': fill('שלום ', length),
	'dots between letters': fill('a.', length),
	'at signs': fill('@', length),
	hyphens: `a@${fill('a-', length - 2)}`,
	'zero width': fill('\u200b\u200d', length),
	digits: `2026-01-01T00:00:00.${fill('0', length - 22)}Z`,
	braces: fill('{{', length),
	ampersands: fill('&\n', length),
	tags: fill('<p>', length),
	quotes: fill('<part-quote>', length),
	comments: fill('<!-- if firstName -->', length),
	colons: fill('1:', length)
});

/** What no text may hold. */
export const broken = ['a\0b', '\0', 'a\ud800b', '\udc00', 'ab\ud83d'];

/** Values that break what is careless. */
export const hostile: unknown[] = [
	...broken,
	'',
	' ',
	'junk',
	'%00',
	'%',
	'\\',
	"'; select 1; --",
	'{{firstName}}',
	'<x>',
	'=1+1',
	'__proto__',
	'constructor',
	'toString',
	'0000-01-01T00:00:00Z',
	'9999-12-31T23:59:59Z',
	'2026-02-30T00:00:00Z',
	'0000-01-01 00:00:00+00',
	'2026-02-30 00:00:00+00',
	'2026-01-01 00:00:00+99',
	'294277-01-01 00:00:00+00',
	'infinity',
	'99999999999999999999',
	'a@b',
	'a@x.test:80',
	'\u202e',
	'\u3164',
	'👩‍💻',
	'ı@x.test',
	-1,
	0,
	1.5,
	2 ** 31,
	2 ** 53 - 1,
	2 ** 63,
	-(2 ** 63),
	1e308,
	null,
	true,
	[],
	['a', 'b'],
	{},
	{ length: 3 }
];

/** Calls a procedure with an input as it is, and returns the status of the answer. */
export async function send(by: Visitor, path: string, type: string, input: unknown): Promise<number> {
	const text = JSON.stringify(input);
	const answer =
		type === 'query'
			? by.request(`/trpc/${path}?input=${encodeURIComponent(text)}`)
			: by.request(`/trpc/${path}`, {
					method: 'POST',
					body: text,
					headers: { 'content-type': 'application/json' }
				});
	const { status, body } = await answer;
	await body?.cancel();
	return status;
}
