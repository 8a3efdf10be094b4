import { expect, describe, test } from 'vitest';
import { check } from '../src/documents/checking.ts';
import { Unreadable } from '../src/documents/parsing.ts';

/** Where documents refer to: within themselves alone, whoever reads them. */

/** What is refused, as "line:column words". */
async function faultsOf(text: string) {
	try {
		await check(text, '');
	} catch (error) {
		if (!(error instanceof Unreadable)) throw error;
		return error.faults.map(({ line, column, message }) => `${line}:${column} ${message}`);
	}
	return ['it was taken'];
}

const whole = 'openapi: 3.0.3\ninfo: { title: T, version: "1" }\npaths: {}\n';
const schemas = (...lines: string[]) => `${whole}components:\n  schemas:\n${lines.join('\n')}\n`;

describe('references', () => {
	const gone = (reference: string) =>
		`“${reference}” is elsewhere: a document can only refer to what stands in it.`;
	test.each([
		'https://evil.example/x.yaml#/A',
		'./pet.yaml',
		'pet.yaml#/A',
		'file:///etc/passwd',
		'//evil.example'
	])('to %s are refused', async (reference) => {
		const text = schemas('    A:', `      $ref: "${reference}"`);
		expect(await faultsOf(text)).toEqual([`7:7 ${gone(reference)}`]);
	});

	test('of a discriminator lead to schemas of the document, by name or by address', async () => {
		const mapping = (...mapped: string[]) =>
			schemas(
				'    A:',
				'      type: object',
				'      discriminator:',
				'        propertyName: k',
				'        mapping:',
				...mapped.map((one, index) => `          m${index}: "${one}"`)
			);
		expect(await faultsOf(mapping('A', '#/components/schemas/A'))).toEqual(['it was taken']);
		const wrong = [
			'#/components/schemas/NOPE',
			'other.json#/C',
			'other.json',
			'pets/B',
			'https://evil.example/x'
		];
		expect(await faultsOf(mapping(...wrong))).toEqual([
			'11:11 There is no “#/components/schemas/NOPE” in the document.',
			...wrong.slice(1).map((one, index) => `${12 + index}:11 ${gone(one)}`)
		]);
	});

	test('by which a schema is a part of itself are refused', async () => {
		const said = 'By this, the schema is a part of itself: nothing can be such a thing.';
		const part = (name: string) => `{ allOf: [{ $ref: "#/components/schemas/${name}" }] }`;
		expect(await faultsOf(schemas(`    A: ${part('B')}`, `    B: ${part('A')}`))).toEqual([`7:18 ${said}`]);
		expect(await faultsOf(schemas(`    A: { allOf: [{ type: object }, ${part('A')}] }`))).toEqual([
			`6:36 ${said}`
		]);
		const parts = [`    A: ${part('B')}`, '    B: { properties: { a: { $ref: "#/components/schemas/A" } } }'];
		expect(await faultsOf(schemas(...parts, `    C: { allOf: [${part('A')}, ${part('A')}] }`))).toEqual([
			'it was taken'
		]);
	});

	test('elsewhere are refused wherever they stand', async () => {
		const answer = (inside: string) => `openapi: 3.0.3
info: { title: T, version: "1" }
paths:
  /a:
    get:
      responses:
        default:
          ${inside}
`;
		const places = [
			'$ref: "https://evil.example/r"',
			'{ description: d, headers: { example: { $ref: "https://evil.example/h" } } }',
			'{ description: d, links: { a: { operationRef: "https://evil.example/o" } } }',
			'{ description: d, content: { text/plain: { examples: { a: { $ref: "https://evil.example/e" } } } } }'
		];
		for (const place of places) {
			const text = answer(
				place.replace(/^\{ (.*) \}$/, '$1').replace(/^description: d, /, 'description: d\n          ')
			);
			expect(await faultsOf(text)).toEqual([
				expect.stringMatching(/^\d+:\d+ “https:\/\/evil.example\/.” is elsewhere/)
			]);
		}
	});

	test('to what isn’t there are refused, and those in examples are data', async () => {
		expect(await faultsOf(schemas('    A: { $ref: "#/components/schemas/B" }'))).toEqual([
			'6:10 There is no “#/components/schemas/B” in the document.'
		]);
		const example = schemas('    A:\n      type: object\n      example: { $ref: "https://example.com/a" }');
		expect(await faultsOf(example)).toEqual(['it was taken']);
	});

	test('that lead round in a circle are refused, and a tree is not', async () => {
		const circle = schemas(
			'    A: { $ref: "#/components/schemas/B" }',
			'    B: { $ref: "#/components/schemas/A" }'
		);
		expect(await faultsOf(circle)).toEqual([
			'6:10 “#/components/schemas/B” leads back to itself and never to anything else.',
			'7:10 “#/components/schemas/A” leads back to itself and never to anything else.'
		]);
		const tree = schemas(
			'    Node:',
			'      type: object',
			'      properties: { children: { type: array, items: { $ref: "#/components/schemas/Node" } } }'
		);
		expect(await faultsOf(tree)).toEqual(['it was taken']);
	});
});

describe('what a reader would follow', () => {
	const schema31 = (...lines: string[]) =>
		`openapi: 3.1.0\ninfo: { title: T, version: "1" }\npaths: {}\ncomponents:\n  schemas:\n${lines.join('\n')}\n`;
	const media = (example: string) =>
		`${whole.replace('paths: {}', 'paths:')}  /a: { get: { responses: { 200: { description: d, content: { a/b: { examples: { a: ${example} } } } } } } }\n`;
	test.each([
		['an example that is elsewhere', media('{ externalValue: "https://evil.example/e" }')],
		['a dialect that is nobody’s', `${schema31('    A: {}')}jsonSchemaDialect: https://evil.example/d\n`],
		['a dialect of one schema', schema31('    A: { $schema: "https://evil.example/s" }')],
		['what is referred to in extensions', `${whole}x-a: { b: [{ $ref: "https://evil.example/x" }] }\n`],
		[
			'an address from which something refers',
			schema31(
				'    A:',
				'      $id: https://evil.example/i',
				'      items: { $ref: "#/components/schemas/A" }'
			)
		]
	])('%s is refused', async (_, text) => {
		expect(await faultsOf(text)).toEqual([
			expect.stringMatching(/^\d+:\d+ “https:\/\/evil\.example\/.” is elsewhere/)
		]);
	});
	test.each([
		[
			'an official dialect',
			`${schema31('    A: {}')}jsonSchemaDialect: https://json-schema.org/draft/2020-12/schema\n`
		],
		[
			'the dialect of OpenAPI',
			`${schema31('    A: {}')}jsonSchemaDialect: https://spec.openapis.org/oas/3.1/dialect/base\n`
		],
		['a name', schema31('    A: { $id: Pet, items: { $ref: "#/components/schemas/A" } }')],
		['an address as a name', schema31('    A: { $id: "https://a.example/pet", type: string }')],
		['an example that has its value', media('{ value: { $ref: "https://a.example", externalValue: a } }')]
	])('%s is taken', async (_, text) => {
		expect(await faultsOf(text)).toEqual(['it was taken']);
	});
});
