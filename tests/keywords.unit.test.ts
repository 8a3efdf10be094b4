import { describe, expect, test } from 'vitest';
import { findChanges } from '../src/documents/changes.ts';

/** Each keyword of JSON Schema that restricts: less in a request breaks programs, more in an answer does. */

const media = (schema: unknown) => ({ content: { 'application/json': { schema } } });
const documentOf = (operation: unknown) => ({
	openapi: '3.1.0',
	paths: { '/pets': { post: operation } },
	components: { schemas: { Long: { type: 'string', maxLength: 9 }, Short: { type: 'string', maxLength: 5 } } }
});
const sending = (schema: unknown) => documentOf({ requestBody: media(schema), responses: {} });
const answering = (schema: unknown) => documentOf({ responses: { 200: media(schema) } });

const text = { type: 'string' };
const a = (schema: unknown) => ({ properties: { a: schema } });
const short = { type: 'string', maxLength: 5 };

/** What takes more, and what takes less, by keyword. */
const table: [keyword: string, wide: object, narrow: object][] = [
	['type', {}, text],
	['type', { type: ['null', 'string'] }, text],
	['type', { type: 'number' }, { type: 'integer' }],
	['enum', text, { ...text, enum: ['a'] }],
	['enum', { enum: ['a', 'b'] }, { enum: ['a'] }],
	['const', {}, { const: 'a' }],
	['const', { enum: ['a', 'b'] }, { const: 'a' }],
	['format', text, { ...text, format: 'date' }],
	['format', { type: 'integer', format: 'int64' }, { type: 'integer', format: 'int32' }],
	['multipleOf', {}, { multipleOf: 2 }],
	['multipleOf', { multipleOf: 0.1 }, { multipleOf: 0.5 }],
	['maximum', {}, { maximum: 9 }],
	['maximum', { maximum: 9 }, { maximum: 5 }],
	['exclusiveMaximum', {}, { exclusiveMaximum: 9 }],
	['exclusiveMaximum', { maximum: 9 }, { exclusiveMaximum: 9 }],
	['exclusiveMaximum', { maximum: 9 }, { maximum: 9, exclusiveMaximum: true }],
	['minimum', {}, { minimum: 0 }],
	['minimum', { minimum: -9 }, { minimum: -5 }],
	['exclusiveMinimum', { exclusiveMinimum: 3 }, { exclusiveMinimum: 5 }],
	['exclusiveMinimum', { minimum: 0 }, { exclusiveMinimum: 0 }],
	['exclusiveMinimum', { minimum: 0 }, { minimum: 0, exclusiveMinimum: true }],
	['maxLength', { maxLength: 9 }, short],
	['minLength', text, { ...text, minLength: 1 }],
	['pattern', text, { ...text, pattern: '^a' }],
	['maxItems', {}, { maxItems: 9 }],
	['minItems', { minItems: 1 }, { minItems: 2 }],
	['uniqueItems', {}, { uniqueItems: true }],
	['contains', {}, { contains: text }],
	['minContains', { contains: text }, { contains: text, minContains: 2 }],
	['maxContains', { contains: text }, { contains: text, maxContains: 2 }],
	['maxProperties', {}, { maxProperties: 9 }],
	['minProperties', {}, { minProperties: 1 }],
	['required', a({}), { ...a({}), required: ['a'] }],
	['required', { type: 'object' }, { type: 'object', required: ['nowhere'] }],
	['dependentRequired', {}, { dependentRequired: { a: ['b'] } }],
	['dependentRequired', { dependentRequired: { a: ['b'] } }, { dependentRequired: { a: ['b', 'c'] } }],
	['properties', a(text), a(short)],
	['patternProperties', {}, { patternProperties: { '^x-': text } }],
	['patternProperties', { patternProperties: { '^x-': text } }, { patternProperties: { '^x-': short } }],
	['additionalProperties', {}, { additionalProperties: false }],
	['additionalProperties', { additionalProperties: true }, { additionalProperties: text }],
	['additionalProperties', { additionalProperties: text }, { additionalProperties: short }],
	['additionalProperties', { additionalProperties: text }, { additionalProperties: false }],
	['unevaluatedProperties', {}, { unevaluatedProperties: false }],
	['unevaluatedProperties', {}, { unevaluatedProperties: text }],
	['propertyNames', {}, { propertyNames: { maxLength: 9 } }],
	['items', { type: 'array' }, { type: 'array', items: text }],
	['items', { items: text }, { items: short }],
	['items', { prefixItems: [text] }, { prefixItems: [text], items: false }],
	['prefixItems', {}, { prefixItems: [text] }],
	['prefixItems', { prefixItems: [text, text] }, { prefixItems: [text, short] }],
	['unevaluatedItems', {}, { unevaluatedItems: false }],
	['not', {}, { not: { type: 'null' } }],
	['if', { then: short }, { if: text, then: short }],
	['then', { if: text, else: false }, { if: text, else: false, then: { minLength: 1 } }],
	['else', { if: text, then: short }, { if: text, then: short, else: false }],
	['dependentSchemas', {}, { dependentSchemas: { a: { required: ['b'] } } }],
	['allOf', {}, { allOf: [{ maxLength: 9 }] }],
	['allOf', { allOf: [{ maxLength: 9 }, {}] }, { allOf: [{ maxLength: 5 }, { maxLength: 9 }] }],
	['allOf', { allOf: [{ maxLength: 9 }, {}] }, { allOf: [{ maxLength: 9 }, { maxLength: 5 }] }],
	['allOf', { allOf: [{ minimum: 1 }, {}] }, { allOf: [{ minimum: 2 }, { minimum: 1 }] }],
	[
		'allOf',
		{ allOf: [{ enum: ['a', 'b'] }, text] },
		{ allOf: [{ enum: ['a'] }, { ...text, enum: ['a', 'b'] }] }
	],
	['allOf', { allOf: [a(text), a({ minLength: 1 })] }, { allOf: [a(short), a({ minLength: 1 })] }],
	['allOf', { allOf: [{ items: text }] }, { allOf: [{ items: short }, { items: text }] }],
	['allOf', { oneOf: [text] }, { oneOf: [text], allOf: [{ anyOf: [short] }] }],
	['oneOf', { oneOf: [text, { type: 'integer' }] }, { oneOf: [text] }],
	['oneOf', { oneOf: [text, { type: 'integer' }] }, text],
	['anyOf', { anyOf: [text, { type: 'integer' }] }, { anyOf: [short, { type: 'integer' }] }],
	['anyOf', {}, { anyOf: [text, { type: 'integer' }] }],
	['contentEncoding', text, { ...text, contentEncoding: 'base64' }],
	['contentMediaType', text, { ...text, contentMediaType: 'image/png' }],
	['contentSchema', text, { ...text, contentSchema: { type: 'object' } }],
	['$ref', { $ref: '#/components/schemas/Long' }, { $ref: '#/components/schemas/Short' }],
	['$ref', { $ref: '#/components/schemas/Long' }, { $ref: '#/components/schemas/Long', minLength: 2 }],
	['not', {}, { not: { $ref: '#/components/schemas/Long' } }]
];

const wrapped: [where: string, wrap: (schema: object) => object][] = [
	['as it is', (schema) => schema],
	['of a property', (schema) => a(schema)],
	['of each item', (schema) => ({ items: schema })],
	['as a part', (schema) => ({ allOf: [{}, schema] })],
	['as a choice', (schema) => ({ oneOf: [{ title: 'A', allOf: [schema] }, { type: 'null' }] })]
];

const breaking = (before: unknown, after: unknown) => findChanges(before, after).breaking;

describe.each(wrapped)('what restricts, %s', (_where, wrap) => {
	test.each(table)('%s: %j, %j', (_, wide, narrow) => {
		const [more, less] = [wrap(wide), wrap(narrow)];
		expect(breaking(sending(more), sending(less))).not.toEqual([]);
		expect(breaking(sending(less), sending(more))).toEqual([]);
		expect(breaking(answering(less), answering(more))).not.toEqual([]);
		expect(breaking(answering(more), answering(less))).toEqual([]);
		for (const schema of [more, less])
			expect(findChanges(sending(schema), sending(structuredClone(schema)))).toMatchObject({
				...{ breaking: [], removed: [], added: [], changed: [] }
			});
	});
});

/** Those of draft 2020-12 in its vocabularies "applicator", "unevaluated", "validation" and "content", and "format". */
const keywords = [
	...['prefixItems', 'items', 'contains', 'additionalProperties', 'properties', 'patternProperties'],
	...['dependentSchemas', 'propertyNames', 'if', 'then', 'else', 'allOf', 'anyOf', 'oneOf', 'not'],
	...['unevaluatedItems', 'unevaluatedProperties', 'type', 'const', 'enum', 'multipleOf', 'maximum'],
	...['exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems'],
	...['minItems', 'uniqueItems', 'maxContains', 'minContains', 'maxProperties', 'minProperties', 'required'],
	...['dependentRequired', 'contentEncoding', 'contentMediaType', 'contentSchema', 'format', '$ref']
];

test('each keyword that restricts is in the table', () => {
	const known = new Set(table.map(([keyword]) => keyword));
	expect(keywords.filter((keyword) => !known.has(keyword))).toEqual([]);
});
