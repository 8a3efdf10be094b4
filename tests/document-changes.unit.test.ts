import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findChanges } from '../src/documents/changes.ts';
import { answering, none, object, parameters, sending, withOperation } from './operations.ts';

/** What a new version of an OpenAPI document changes for those who call the API. */

const compare = findChanges;

type Case = [what: string, before: unknown, after: unknown, changes: Partial<typeof none>];
type Lists = Record<string, string[]>;
const one = (what: string, before: unknown, after: unknown, changes: Lists): Case => [
	what,
	before,
	after,
	changes as Case[3]
];

describe('what changed', () => {
	test.each([
		one(
			'an operation that is new',
			withOperation('{ responses: {} }'),
			parse('paths: {/pets: {post: {responses: {}}, get: {responses: {}}}}'),
			{
				added: ['GET /pets is new.']
			}
		),
		one('an operation that is gone', withOperation('{ responses: {} }'), parse('paths: {}'), {
			breaking: ['POST /pets was removed.']
		}),
		one(
			'a placeholder with another name',
			parse(
				'paths: {"/a/{id}": {get: {parameters: [{name: id, in: path, required: true, schema: {type: string}}]}}}'
			),
			parse(
				'paths: {"/a/{key}": {get: {parameters: [{name: key, in: path, required: true, schema: {type: string}}]}}}'
			),
			{}
		),
		one(
			'deprecation',
			withOperation('{ responses: {} }'),
			withOperation('{ deprecated: true, responses: {} }'),
			{
				changed: ['POST /pets: it is deprecated now.']
			}
		),
		one(
			'texts alone',
			withOperation('{ summary: a, responses: {} }'),
			withOperation('{ summary: b, responses: {} }'),
			{}
		),

		one(
			'a parameter that is new',
			parameters(),
			parameters('{ name: a, in: query, schema: { type: string } }'),
			{
				added: ['POST /pets: the query parameter “a” is new.']
			}
		),
		one(
			'a new one that is required',
			parameters(),
			parameters('{ name: a, in: header, required: true, schema: {} }'),
			{
				breaking: ['POST /pets: the header parameter “a” is new and required.']
			}
		),
		one('a parameter that is gone', parameters('{ name: a, in: query, schema: {} }'), parameters(), {
			removed: ['POST /pets: the query parameter “a” was removed.']
		}),
		one(
			'a parameter that becomes required',
			parameters('{ name: a, in: query, schema: {} }'),
			parameters('{ name: a, in: query, required: true, schema: {} }'),
			{ breaking: ['POST /pets: the query parameter “a” is required now.'] }
		),
		one(
			'a parameter of another type',
			parameters('{ name: a, in: query, schema: { type: string } }'),
			parameters('{ name: a, in: query, schema: { type: integer } }'),
			{ breaking: ['POST /pets: the type of the query parameter “a” changed from string to integer.'] }
		),
		one(
			'a parameter that takes more',
			parameters('{ name: a, in: query, schema: { type: integer } }'),
			parameters('{ name: a, in: query, schema: { type: number } }'),
			{ changed: ['POST /pets: the type of the query parameter “a” changed from integer to number.'] }
		),
		one(
			'a list that is written in another way',
			parameters('{ name: a, in: query, schema: { type: array } }'),
			parameters('{ name: a, in: query, explode: false, schema: { type: array } }'),
			{ breaking: ['POST /pets: the query parameter “a” is written in another way now.'] }
		),

		one('what is sent: a property that is new', sending(object('')), sending(object('a: {}')), {
			added: ['POST /pets: “a” of the body is new.']
		}),
		one('and required', sending(object('')), sending(object('a: {}', ', required: [a]')), {
			breaking: ['POST /pets: “a” of the body is new and required.']
		}),
		one(
			'a property that becomes required',
			sending(object('a: {}')),
			sending(object('a: {}', ', required: [a]')),
			{
				breaking: ['POST /pets: “a” of the body is required now.']
			}
		),
		one('and optional', sending(object('a: {}', ', required: [a]')), sending(object('a: {}')), {
			changed: ['POST /pets: “a” of the body is optional now.']
		}),
		one('a property that is gone', sending(object('a: {}')), sending(object('')), {
			removed: ['POST /pets: “a” of the body was removed.']
		}),
		one(
			'where nothing else is taken',
			sending(object('a: {}', ', additionalProperties: false')),
			sending(object('', ', additionalProperties: false')),
			{ breaking: ['POST /pets: “a” of the body was removed.'] }
		),
		one('a value that is gone', sending('{ enum: [a, b] }'), sending('{ enum: [a] }'), {
			breaking: ['POST /pets: the body can no longer be “b”.']
		}),
		one('a value that is new', sending('{ enum: [a] }'), sending('{ enum: [a, b] }'), {
			added: ['POST /pets: the body can also be “b”.']
		}),
		one('values where any was taken', sending('{ type: string }'), sending('{ type: string, enum: [a] }'), {
			breaking: ['POST /pets: the body has to be one of “a” now.']
		}),
		one('a bound that is narrower', sending('{ maxLength: 9 }'), sending('{ maxLength: 5 }'), {
			breaking: ['POST /pets: “maxLength” of the body changed from 9 to 5.']
		}),
		one('a bound that is wider', sending('{ minimum: 3 }'), sending('{ minimum: 1 }'), {
			changed: ['POST /pets: “minimum” of the body changed from 3 to 1.']
		}),
		one('a pattern', sending('{ pattern: a }'), sending('{ pattern: b }'), {
			breaking: ['POST /pets: “pattern” of the body changed.']
		}),
		one('what only comes back', sending(object('a: { readOnly: true }')), sending(object('')), {}),
		one(
			'a choice that is gone',
			sending('{ oneOf: [{ title: A }, { title: B }] }'),
			sending('{ oneOf: [{ title: A }] }'),
			{
				breaking: ['POST /pets: the body can no longer be “B”.']
			}
		),
		one(
			'a body that becomes required',
			sending('{}'),
			withOperation(
				'{ requestBody: { required: true, content: { application/json: { schema: {} } } }, responses: { 204: {} } }'
			),
			{ breaking: ['POST /pets: the body is required now.'] }
		),
		one(
			'another media type',
			sending('{}'),
			withOperation('{ requestBody: { content: { text/csv: {} } }, responses: { 204: {} } }'),
			{
				breaking: ['POST /pets: the body is no longer application/json.'],
				added: ['POST /pets: the body can also be text/csv.']
			}
		),

		one('what comes back: a property that is gone', answering(object('a: {}')), answering(object('')), {
			breaking: ['POST /pets: “a” of answer 200 was removed.']
		}),
		one('a property that is new there', answering(object('')), answering(object('a: {}')), {
			added: ['POST /pets: “a” of answer 200 is new.']
		}),
		one(
			'a property that may be missing',
			answering(object('a: {}', ', required: [a]')),
			answering(object('a: {}')),
			{ breaking: ['POST /pets: “a” of answer 200 may be missing now.'] }
		),
		one('null that may come', answering('{ type: string }'), answering('{ type: [string, "null"] }'), {
			breaking: ['POST /pets: the type of answer 200 changed from string to null or string.']
		}),
		one(
			'a format',
			answering('{ type: string, format: date }'),
			answering('{ type: string, format: date-time }'),
			{
				breaking: ['POST /pets: the format of answer 200 changed from “date” to “date-time”.']
			}
		),
		one(
			'inside of lists and others',
			answering(object('a: { type: array, items: { type: string } }')),
			answering(object('a: { type: array, items: { type: integer } }')),
			{
				breaking: ['POST /pets: the type of “a[]” of answer 200 changed from string to integer.']
			}
		),
		one('what is only sent', answering(object('a: { writeOnly: true }')), answering(object('')), {}),
		one(
			'a property that is deprecated',
			answering(object('a: {}')),
			answering(object('a: { deprecated: true }')),
			{
				changed: ['POST /pets: “a” of answer 200 is deprecated now.']
			}
		),
		one(
			'an answer that is gone',
			answering('{}'),
			withOperation('{ responses: { 404: { description: d } } }'),
			{
				breaking: ['POST /pets: answer 200 was removed.'],
				added: ['POST /pets: answer 404 is new.']
			}
		),
		one(
			'a header that is gone',
			withOperation('{ responses: { 200: { description: d, headers: { X-A: { schema: {} } } } } }'),
			withOperation('{ responses: { 200: { description: d } } }'),
			{ breaking: ['POST /pets: the header “x-a” of answer 200 was removed.'] }
		),

		one(
			'a way to sign in',
			withOperation('{ responses: {} }'),
			withOperation('{ responses: {}, security: [{ key: [] }] }'),
			{
				breaking: ['POST /pets: it asks for “key” now.']
			}
		),
		one(
			'a way that is gone, for all operations',
			withOperation('{ responses: {} }', 'security: [{ key: [] }, { old: [] }]'),
			withOperation('{ responses: {} }', 'security: [{ key: [] }]'),
			{ breaking: ['POST /pets: it can no longer be called by “old”.'] }
		),
		one(
			'what has to be granted',
			withOperation('{ responses: {}, security: [{ oauth: [read] }] }'),
			withOperation('{ responses: {}, security: [{ oauth: [read, write] }] }'),
			{ breaking: ['POST /pets: “oauth” needs “write” too now.'] }
		),

		one(
			'what a schema is put together of',
			sending('{ allOf: [{ type: object, properties: { a: {} } }, { properties: { b: {} } }] }'),
			sending(object('a: {}, b: {}')),
			{}
		),
		one(
			'what is sent of the API’s own accord, which others read',
			parse(
				'webhooks: {newPet: {post: {requestBody: {content: {a/b: {schema: {type: object, properties: {a: {}}}}}}}}}'
			),
			parse(
				'webhooks: {newPet: {post: {requestBody: {content: {a/b: {schema: {type: object, properties: {}}}}}}}}'
			),
			{ breaking: ['Webhook POST newPet: “a” of the body was removed.'] }
		)
	])('%s', (_, before, after, changes) => {
		expect(compare(before, after)).toEqual({ ...none, ...changes });
	});

	test('lists have an end, and what breaks comes first', () => {
		const paths = (name: string) =>
			Object.fromEntries(
				Array.from({ length: 150 }, (_, index) => [`/${name}${index}`, { get: { responses: {} } }])
			);
		const { breaking, added, more } = compare({ paths: paths('a') }, { paths: paths('b') });
		expect([breaking.length, added.length, more]).toEqual([150, 50, 100]);
	});

	test('names that would move the words around them are shown without that, and shortened', () => {
		const path = `/\u202eevil\n${'x'.repeat(500)}`;
		const { added } = compare({ paths: {} }, { paths: { [path]: { get: {} } } });
		expect(added).toEqual([expect.stringMatching(/^GET \/ evil x{50,120}… is new\.$/)]);
	});
});
