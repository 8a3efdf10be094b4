import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findChanges } from '../src/documents/changes.ts';
import { answering, none, object, parameters, sending, withOperation } from './operations.ts';

/** What a new version changes of where calls go, of how they say who calls, and of what something may be one of. */

const compare = findChanges;

const secured = (way: string, scheme: string) =>
	withOperation(
		`{ responses: {}, security: [{ ${way} }] }`,
		`components: { securitySchemes: { ${scheme} } }`
	);
const keyed = 'key: { type: apiKey, in: header, name: X-A }';
const oauth = (url: string) =>
	`o: { type: oauth2, flows: { clientCredentials: { tokenUrl: "${url}", scopes: { a: b } } } }`;
const serverAt = (url: string, variables = '{}') =>
	parse(`{ openapi: 3.1.0, servers: [{ url: "${url}", variables: ${variables} }] }`);
const choices = (...list: string[]) => `{ oneOf: [${list.join(', ')}] }`;
const dog = object('bark: { type: string }, age: {}');
const cat = object('purr: { type: string }, age: {}');
const fish = object('fins: {}');

type Changes = Partial<Record<keyof typeof none, string[]>>;
const one = (what: string, before: unknown, after: unknown, changes: Changes) =>
	[what, before, after, changes] as const;

describe('what changed', () => {
	test.each([
		one(
			'a key that is sent elsewhere',
			secured('key: []', keyed),
			secured('key: []', 'key: { type: apiKey, in: query, name: a }'),
			{
				breaking: ['POST /pets: “key” is the query parameter “a” now, no longer the header “x-a”.']
			}
		),
		one(
			'a way that has another name alone',
			secured('key: []', keyed),
			secured('token: []', keyed.replace('key', 'token')),
			{}
		),
		one(
			'where tokens come from',
			secured('o: [a]', oauth('https://a.test/token')),
			secured('o: [a]', oauth('https://b.test/token')),
			{
				breaking: [
					'POST /pets: “o” is OAuth 2.0 by clientCredentials https://b.test/token now, no longer OAuth 2.0 by clientCredentials https://a.test/token.'
				]
			}
		),

		one('a server at another path', serverAt('https://a.test/v1'), serverAt('https://a.test/v2'), {
			breaking: ['The server https://a.test/v1 was removed.'],
			added: ['The server https://a.test/v2 is new.']
		}),
		one('a server without an origin', serverAt('/v1'), serverAt('/v2'), {
			breaking: ['The server /v1 was removed.'],
			added: ['The server /v2 is new.']
		}),
		one('a server with a slash behind it', serverAt('https://a.test/v1'), serverAt('https://A.test/v1/'), {}),
		one(
			'a server that a variable chose',
			serverAt('https://{region}.test', '{ region: { default: eu, enum: [eu, us] } }'),
			serverAt('https://{region}.test', '{ region: { default: eu } }'),
			{ breaking: ['The server https://us.test was removed.'] }
		),
		one(
			'the path of a server in 2.0',
			parse('{ swagger: "2.0", host: a.test, basePath: /v1 }'),
			parse('{ swagger: "2.0", host: a.test, basePath: /v2 }'),
			{
				breaking: ['The server https://a.test/v1 was removed.'],
				added: ['The server https://a.test/v2 is new.']
			}
		),

		one(
			'what counts where nothing is sent',
			parameters('{ name: a, in: query, schema: { default: 10 } }'),
			parameters('{ name: a, in: query, schema: { default: 50 } }'),
			{ breaking: ['POST /pets: the default of the query parameter “a” changed from “10” to “50”.'] }
		),
		one('choices in another order', sending(choices(dog, cat, fish)), sending(choices(fish, dog, cat)), {}),
		one('one choice less', sending(choices(dog, cat, fish)), sending(choices(cat, fish)), {
			breaking: ['POST /pets: the body can no longer be “object with bark, age”.']
		}),
		one('one choice more', answering(choices(dog, cat)), answering(choices(fish, dog, cat)), {
			breaking: ['POST /pets: answer 200 can also be “object with fins”.']
		}),
		one(
			'what changed within a choice, and another order',
			sending(choices(dog, cat)),
			sending(choices(cat, dog.replace('string', 'integer'))),
			{ breaking: ['POST /pets: the type of “bark” of the body changed from string to integer.'] }
		),
		one('what becomes one of several', sending(dog), sending(choices(cat, dog)), {
			added: ['POST /pets: the body can also be “object with purr, age”.']
		}),
		one(
			'a bound told in 3.0 and in 3.1',
			sending('{ minimum: 3, exclusiveMinimum: true }'),
			sending('{ exclusiveMinimum: 3 }'),
			{}
		),
		one('a bound that is beyond', sending('{ maximum: 3 }'), sending('{ exclusiveMaximum: 3 }'), {
			breaking: ['POST /pets: “maximum” of the body changed from 3 to less than 3.']
		})
	])('%s', (_, before, after, changes) => {
		expect(compare(before, after)).toEqual({ ...none, ...changes });
	});

	test('a schema that several operations share is told once, and one that contains itself has an end', () => {
		const tree = (properties: string) =>
			parse(`openapi: 3.0.3
paths:
  ${['a', 'b', 'c', 'd', 'e'].map((path) => `/${path}: { get: { responses: { 200: { content: { application/json: { schema: { $ref: "#/components/schemas/Node" } } } } } } }`).join('\n  ')}
components: { schemas: { Node: { type: object, properties: { ${properties} next: { $ref: "#/components/schemas/Node" } } } } }`);
		expect(compare(tree('name: { type: string },'), tree(''))).toEqual({
			...none,
			breaking: ['GET /a, GET /b, GET /c and 2 more: “name” of Node in answers was removed.']
		});
	});

	test('two that refer to each other in different ways have an end', () => {
		const inline =
			parse(`paths: { /a: { get: { responses: { 200: { content: { a/b: { schema: { $ref: "#/s/A" } } } } } } } }
s: { A: { type: object, properties: { a: { type: object, properties: { a: { $ref: "#/s/A" } } } } } }`);
		const named =
			parse(`paths: { /a: { get: { responses: { 200: { content: { a/b: { schema: { $ref: "#/s/A" } } } } } } } }
s: { A: { type: object, properties: { a: { $ref: "#/s/A" } } } }`);
		expect(compare(inline, named)).toEqual(none);
		expect(compare(named, inline)).toEqual(none);
	});

	test('the same in 2.0 and in 3.0 is no change', () => {
		const old = parse(`swagger: "2.0"
consumes: [application/json]
produces: [application/json]
paths: { /pets: { post: { parameters: [{ in: body, name: pet, required: true, schema: { $ref: "#/definitions/Pet" } }, { in: query, name: a, type: string }],
  responses: { 200: { description: d, schema: { $ref: "#/definitions/Pet" } } } } } }
definitions: { Pet: { type: object, properties: { name: { type: string } } } }`);
		const pet = '{ application/json: { schema: { $ref: "#/components/schemas/Pet" } } }';
		const next = parse(`openapi: 3.0.3
paths: { /pets: { post: { parameters: [{ in: query, name: a, schema: { type: string } }], requestBody: { required: true, content: ${pet} },
  responses: { 200: { description: d, content: ${pet} } } } } }
components: { schemas: { Pet: { type: object, properties: { name: { type: string } } } } }`);
		expect(compare(old, next)).toEqual(none);
	});

	test('thousands of schemas that refer to each other have an end', () => {
		const names = Array.from({ length: 20_000 }, (_, index) => index);
		const chain = (last: string) => ({
			paths: { '/a': { post: { requestBody: { content: { 'a/b': { schema: { $ref: '#/s/N0' } } } } } } },
			s: Object.fromEntries(
				names
					.map((index) => [`N${index}`, { properties: { next: { $ref: `#/s/N${index + 1}` } } }])
					.concat([['N20000', { type: last }]] as never)
			)
		});
		expect(compare(chain('string'), chain('integer')).breaking).toEqual([
			'POST /a: the type of N20000 in requests changed from string to integer.'
		]);
	});
});
