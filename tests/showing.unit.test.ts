import { describe, expect, test } from 'vitest';
import { boundDocument } from '../src/documents/reading.ts';
import { fixture } from './documents.ts';

/** What the viewer is given: the document, unless an example of one of its schemas would never end. */

type Schema = Record<string, unknown>;

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const each = (count: number, make: (index: number) => unknown) =>
	Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, make(index)]));
const object = (count: number, name: string): Schema => ({
	type: 'object',
	properties: each(count, () => ref(name))
});

function documentOf(schemas: Schema, operation: Schema = {}): string {
	const answer = { description: 'd', content: { 'application/json': { schema: ref('A') } } };
	return JSON.stringify({
		openapi: '3.0.3',
		info: { title: 'T', version: '1' },
		paths: { '/a': { get: { responses: { 200: answer }, ...operation } } },
		components: { schemas }
	});
}

/** Schemas that refer to the next one several times each. */
function fan(levels: number, make: (name: string) => Schema): Schema {
	const names = ['A', ...Array.from({ length: levels }, (_, index) => `L${index}`)];
	const all = names.map((name, index) => [name, make(names[index + 1] ?? 'Last')]);
	return { ...Object.fromEntries(all), Last: { type: 'string' } };
}

/** How many values the viewer's largest example of a schema has, counted as it writes it: eleven levels deep. */
function exampleOf(root: unknown, most = 100_000): number {
	let count = 0;
	let largest = 0;
	const follow = (schema: unknown, level: number): void => {
		count += 1;
		if (count > most || level > 10 || typeof schema !== 'object' || schema === null) return;
		const { $ref, properties, items, additionalProperties, allOf } = schema as Record<string, unknown>;
		if (typeof $ref === 'string') {
			const target = $ref
				.slice(2)
				.split('/')
				.reduce<unknown>((here, step) => (here as Schema)[step], root);
			return follow(target, level);
		}
		for (const one of Object.values(properties ?? {})) follow(one, level + 1);
		for (const one of [items, additionalProperties]) if (one) follow(one, level + 1);
		for (const one of Object.values(allOf ?? {})) follow(one, level);
	};
	const { components } = root as { components: { schemas: Schema } };
	for (const schema of Object.values(components.schemas)) {
		count = 0;
		follow(schema, 0);
		largest = Math.max(largest, count);
	}
	return largest;
}

const list = (word: string) => (name: string) => ({ [word]: Array.from({ length: 6 }, () => ref(name)) });

test.each<[what: string, schemas: Schema]>([
	...[4, 6, 12, 500].map((count): [string, Schema] => [
		`refers to itself ${count} times`,
		{ A: object(count, 'A') }
	]),
	['refers to itself by another', { A: object(4, 'B'), B: object(4, 'A') }],
	[
		'refers to itself by lists',
		{ A: { type: 'object', properties: each(8, () => ({ type: 'array', items: ref('A') })) } }
	],
	[
		'refers to itself by other names',
		{ A: { type: 'object', properties: each(20, () => ({ additionalProperties: ref('A') })) } }
	],
	['refers to much that refers to much', fan(14, (name) => object(6, name))],
	['is put together of much', fan(14, list('allOf'))]
])('a schema that %s has an end', async (_, schemas) => {
	const text = documentOf(schemas);
	expect(exampleOf(JSON.parse(text))).toBeGreaterThan(20_000);
	const shown = await boundDocument(text, 'json');
	expect(exampleOf(JSON.parse(shown ?? text))).toBeLessThanOrEqual(10_000);
	// What can stay stays.
	expect(shown).toContain('#/components/schemas/');
});

test('a reference that is replaced says what it leads to, and nothing else is changed', async () => {
	const tree = {
		type: 'object',
		properties: {
			id: { type: 'string', example: { $ref: '#/components/schemas/A' } },
			...{ left: ref('A'), right: ref('A'), parent: ref('A') },
			children: { type: 'array', items: ref('A') }
		}
	};
	const text = documentOf({ A: tree });
	const shown = JSON.parse((await boundDocument(text, 'json')) ?? '') as Record<string, unknown>;
	const words = { type: 'object', title: 'A', description: 'See the schema “A”.' };
	const properties = (shown.components as { schemas: { A: { properties: Schema } } }).schemas.A.properties;
	expect(properties.id).toEqual(tree.properties.id);
	const replaced = [properties.left, properties.right, properties.parent].filter(
		(one) => (one as Schema).$ref === undefined
	);
	expect(replaced.length).toBeGreaterThan(0);
	for (const one of replaced) expect(one).toEqual(words);
	expect(shown.paths).toEqual((JSON.parse(text) as Schema).paths);
});

describe('is given as it is', () => {
	test.each([
		...['petstore-2.0.json', 'petstore-expanded-2.0.yaml', 'uspto-3.0.yaml'],
		...['galaxy-3.1.yaml', 'webhooks-3.1.json']
	])('%s', async (name) => {
		expect(await boundDocument(fixture(name), name.endsWith('json') ? 'json' : 'yaml')).toBeNull();
	});

	test('what refers to itself once or twice, or may be one of much', async () => {
		for (const schemas of [{ A: object(1, 'A') }, { A: object(2, 'A') }, fan(14, list('oneOf'))])
			expect(await boundDocument(documentOf(schemas), 'json')).toBeNull();
	});
});
