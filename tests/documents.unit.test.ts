import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { maxDocumentBytes, type DocumentFault } from '#lib/documents.ts';
import { Busy } from '../src/database/turns.ts';
import { check } from '../src/documents/checking.ts';
import { Unreadable } from '../src/documents/parsing.ts';
import { readDocument } from '../src/documents/reading.ts';
import { inTurnToRead } from '../src/procedures/documents/documents.ts';

/** OpenAPI documents that are brought: published ones, wrong ones, and those that mean harm. */

const fixture = (name: string) =>
	readFileSync(new URL(`./fixtures/documents/${name}`, import.meta.url), 'utf8');
const read = (text: string, fileName = '') => readDocument({ text, fileName, before: null });

const say = (faults: DocumentFault[]) =>
	faults.map(({ line, column, message }) => `${line}:${column} ${message}`);

/** What is refused, as "line:column words", read in this thread. */
async function faultsOf(text: string) {
	try {
		await check(text, '');
	} catch (error) {
		if (error instanceof Unreadable) return say(error.faults);
		throw error;
	}
	return ['it was taken'];
}

const whole = 'openapi: 3.0.3\ninfo: { title: T, version: "1" }\npaths: {}\n';
const schemas = (...lines: string[]) => `${whole}components:\n  schemas:\n${lines.join('\n')}\n`;

describe('published documents', () => {
	test.each([
		['petstore-2.0.json', 'json', '2.0', 'Swagger Petstore', '1.0.0', ['http://petstore.swagger.io'], 20],
		[
			'petstore-expanded-2.0.yaml',
			'yaml',
			'2.0',
			'Swagger Petstore',
			'1.0.0',
			['http://petstore.swagger.io'],
			4
		],
		[
			...['uspto-3.0.yaml', 'yaml', '3.0.1', 'USPTO Data Set API', '1.0.0'],
			// Of a variable that may be either.
			['https://developer.uspto.gov', 'http://developer.uspto.gov'],
			3
		],
		[
			'circular-3.0.json',
			'json',
			'3.0.3',
			'Circular reference examples',
			'1.0.0',
			['https://httpbin.org'],
			3
		],
		[
			...['galaxy-3.1.yaml', 'yaml', '3.1.1', 'Scalar Galaxy', '0.2.20'],
			['https://galaxy.scalar.com', 'https://void.scalar.com'],
			10
		],
		['webhooks-3.1.json', 'json', '3.1.0', 'Webhook Example', '1.0.0', [], 2]
	] as const)('%s is read', async (name, format, specVersion, title, apiVersion, servers, operations) => {
		expect(await read(fixture(name as string), name as string)).toEqual({
			facts: { format, specVersion, title, apiVersion, servers, operations },
			changes: null,
			unreached: []
		});
	});

	test('are read without the name of their file, and with a mark of the order of bytes', async () => {
		for (const name of ['petstore-2.0.json', 'uspto-3.0.yaml'])
			expect(await read(`\ufeff${fixture(name)}`)).toHaveProperty('facts.format', name.split('.').at(-1));
	});

	test('are YAML in brackets where that is what they are, and JSON where its file says so', async () => {
		const flow = '{openapi: 3.0.3, info: {title: T, version: "1"}, paths: {}}';
		for (const text of [flow, `\ufeff\n${flow}`, flow.replace('openapi', '"openapi"')])
			expect(await read(text), text).toHaveProperty('facts.format', 'yaml');
		const said = '1:2 This is no JSON: texts stand in double quotes.';
		const named = await read(flow, 'openapi.json');
		expect('faults' in named && say(named.faults)).toEqual([said]);
		expect(await faultsOf(flow.slice(0, -1))).toEqual([said]);
	});
});

describe('what is no OpenAPI document is refused at its place', () => {
	const beginning = 'An OpenAPI document says so at its top: “openapi: 3.1.0”, or “swagger: "2.0"”.';
	test.each<[what: string, text: string, faults: string[]]>([
		['nothing', '', ['1:1 There is nothing in it.']],
		['spaces', ' \n\t\n', ['1:1 There is nothing in it.']],
		[
			'a web page',
			'<!doctype html><title>x</title>',
			['1:1 This is a web page or XML. An OpenAPI document is JSON or YAML.']
		],
		['a program', 'PK\u0003\u0004', ['1:3 This is no text: save the document as UTF-8.']],
		['UTF-16', [...whole].join('\0'), ['1:2 This is no text: save the document as UTF-8.']],
		['a word', 'hello', [`1:1 ${beginning}`]],
		['a number', '42', [`1:1 ${beginning}`]],
		['a list', '[]', [`1:1 ${beginning}`]],
		['null', 'null', [`1:1 ${beginning}`]],
		['another object', '{"name": "portico"}', [`1:1 ${beginning}`]],
		['an older version', 'swagger: "1.2"', ['1:1 Version “1.2” is none of 2.0, 3.0.x and 3.1.x.']],
		['a newer version', 'openapi: 4.0.0', ['1:1 Version “4.0.0” is none of 2.0, 3.0.x and 3.1.x.']],
		['a number as version', 'swagger: 2.0', ['1:1 The version has to stand in quotes, as a text.']],
		['a comma too many', '{\n\t"openapi": "3.0.3",\n}', ['3:1 A name in double quotes has to stand here.']],
		['a comma missing', '{\n"openapi": "3.0.3"\n"info": {}}', ['3:1 A comma is missing here.']],
		['a comment', '{\n// no\n"openapi": "3.0.3"}', ['2:1 JSON has no comments.']],
		['a tab', 'openapi: 3.0.3\ninfo:\n\ttitle: T', ['3:1 Lines are indented by spaces, not by tabs.']],
		[
			'two documents',
			`${whole}---\n${whole}`,
			['4:1 Here a second document begins: there can be one alone.']
		],
		[
			'a name twice in JSON',
			'{"openapi": "3.0.3",\n"openapi": "3.0.3"}',
			['2:1 “openapi” stands here a second time.']
		],
		['a name twice in YAML', `${whole}paths: {}`, ['4:1 “paths” stands here a second time.']],
		['no paths', whole.replace('paths', 'pats'), ['1:1 “paths” is missing here.']],
		['a word that is not known', `${whole}surprise: 1`, ['4:1 OpenAPI knows no “surprise” here.']],
		['a list instead', whole.replace('{}', '[]'), ['3:1 This has to be an object, with names and values.']],
		[
			'a wrong type',
			schemas('    A:\n      type: strin'),
			['7:7 This has to be one of: array, boolean, integer, number, object, string.']
		],
		[
			'a list without an entry, and nothing around it',
			'swagger: "2.0"\ninfo: { title: T, version: "1" }\npaths:\n  /a:\n    get:\n      responses:\n        200:\n          description: d\n          schema:\n            type: object\n            required: []\n',
			['11:13 “required” needs at least 1 entry.']
		],
		[
			'a number that is too small',
			schemas('    A: { minLength: -1 }'),
			['6:10 “minLength” has to be at least 0.']
		],
		['not a number', schemas('    A: { minimum: .nan }'), ['6:10 This is no number that JSON has.']],
		[
			'a number without an end',
			schemas('    A: { maximum: 1e999 }'),
			['6:10 This is no number that JSON has.']
		],
		['an entry twice', schemas('    A: { required: [a, a] }'), ['6:10 “required” has the same entry twice.']]
	])('%s', async (_, text, faults) => {
		expect(await faultsOf(text)).toEqual(faults);
	});

	test('no more faults than somebody mends at once are told, in the order of lines, and quote little', async () => {
		const names = Array.from({ length: 300 }, (_, index) => `${'long'.repeat(100)}${index}: 1`);
		const faults = await faultsOf(`${whole}${names.join('\n')}`);
		expect(faults).toHaveLength(20);
		expect(faults.map((fault) => Number.parseInt(fault))).toEqual(
			Array.from({ length: 20 }, (_, i) => i + 4)
		);
		for (const fault of faults) expect(fault.length).toBeLessThan(120);
	});
});

describe('what means harm is refused at its place', () => {
	const deep = (open: string, count: number) => open.repeat(count);
	const letters = [...'abcdefghij'];
	const laughs = letters.map((letter, index) => {
		const inside = Array(10).fill(index === 0 ? 'ha' : `*${letters[index - 1]}`);
		return `x-${letter}: &${letter} [${inside.join(', ')}]`;
	});
	test.each<[what: string, text: string, fault: string]>([
		[
			'deep JSON',
			`{"a":${deep('[', 100_000)}${deep(']', 100_000)}}`,
			'1:205 This is nested deeper than 200 levels.'
		],
		['deep JSON without an end', deep('{"a":', 500_000), '1:1001 This is nested deeper than 200 levels.'],
		[
			'deep YAML',
			`a: ${deep('[', 20_000)}${deep(']', 20_000)}`,
			'1:203 This is nested deeper than 200 levels.'
		],
		['deep lists in YAML', `${deep('- ', 20_000)}a`, '1:401 This is nested deeper than 200 levels.'],
		[
			'deep names in YAML',
			Array.from({ length: 900 }, (_, index) => `${' '.repeat(index)}a:`).join('\n'),
			'201:201 This is nested deeper than 200 levels.'
		],
		['aliases of aliases', `${whole}${laughs.join('\n')}`, '5:10 Its aliases (“*name”) stand for too much.'],
		[
			'aliases of much',
			`${whole}x-a: &a [${deep('1,', 30_000)}]\nx-b: [${deep('*a,', 900)}]`,
			'This stands for too much: aliases repeat it too often.'
		],
		[
			'an alias of what it stands in',
			`${whole}x-a: &a\n  b: *a`,
			'5:3 This is nested deeper than 200 levels.'
		],
		['an alias of nothing', `${whole}x-a: *nope`, '4:6 Nothing before this is marked as “&nope”.'],
		[
			'a prototype in JSON',
			'{"openapi": "3.0.3", "__proto__": {"a": 1}}',
			'1:22 Nothing can have this name.'
		],
		['a prototype in YAML', `${whole}x-a:\n  __proto__: { a: 1 }`, '5:3 Nothing can have this name.'],
		['more than 5 MB', `${whole}#${'é'.repeat(maxDocumentBytes / 2)}`, '1:1 This has more than 5 MB.']
	])('%s', async (_, text, fault) => {
		const answer = await read(text);
		expect('faults' in answer && say(answer.faults)).toEqual([expect.stringContaining(fault)]);
	});

	test('scripts in its texts are texts, and a server can’t add to a policy', async () => {
		const text = whole
			.replace('title: T', 'title: "<script>alert(1)</script>"')
			.concat(
				'servers:\n  - url: "https://a.example;script-src"\n  - url: "javascript:alert(1)"\n  - url: /here\n'
			);
		expect(await read(text)).toMatchObject({ facts: { title: '<script>alert(1)</script>', servers: [] } });
	});

	test('of servers, what the pages may reach is allowed, and of the rest it is said', async () => {
		const addresses = [
			...['https://under_score.example.com', '//c.example.com/v1', 'https://*.example.com/v2', '/here'],
			...['wss://live.example.com/', 'https://{tenant}.example.com']
		];
		const text = `${whole}servers:\n${addresses.map((url) => `  - url: "${url}"\n`).join('')}`;
		expect(await read(text)).toMatchObject({
			facts: { servers: ['https://under_score.example.com', 'https://c.example.com'] },
			unreached: ['https://*.example.com/v2', '/here', 'wss://live.example.com', 'https://.example.com']
		});
	});

	test('a name that every object has is a name as others are', async () => {
		const text = schemas(
			'    constructor:',
			'      type: object',
			'      properties: { constructor: { type: string } }'
		);
		expect(await read(text)).toHaveProperty('facts.title', 'T');
		expect(await faultsOf(`${whole}constructor: 1`)).toEqual(['4:1 OpenAPI knows no “constructor” here.']);
	});
});

test('a name that stands there a hundred thousand times is told as often as somebody reads', async () => {
	const text = `{"openapi": "3.0.3",\n${'"a": 1,\n'.repeat(200_000)}"a": 1}`;
	expect(await faultsOf(text)).toHaveLength(20);
});

test('who would wait long for other documents is told so, and who has begun is not', async () => {
	const { promise: isOver, resolve: end } = Promise.withResolvers<string>();
	const before = Array.from({ length: 501 }, () => inTurnToRead(() => isOver));
	const words = 'Another document is being read. Try again in a minute.';
	await expect(inTurnToRead(() => isOver)).rejects.toMatchObject({ message: words, retryAfter: 60 });
	end('read');
	expect(new Set(await Promise.all(before))).toEqual(new Set(['read']));
	const failing = inTurnToRead(() => Promise.reject(new Busy('within')));
	await expect(failing).rejects.toThrow('within');
});

describe('the process', () => {
	const many = Array.from({ length: 10_000 }, (_, index) => `  /p${index}: { x-a: [1, 2, 3] }`);
	const large = whole.replace('paths: {}', `paths:\n${many.join('\n')}`);

	test('goes on while a document is read', async () => {
		let turns = 0;
		const ticking = setInterval(() => (turns += 1), 1);
		const answer = await read(large);
		clearInterval(ticking);
		expect(answer).toHaveProperty('facts.operations', 0);
		// In this thread it would be none.
		expect(turns).toBeGreaterThan(20);
	});

	test('is untroubled by one that needs more memory or time than there is', async () => {
		const work = { text: large, fileName: '', before: null };
		const plenty = { memoryMb: 1_000, processorMs: 600_000, ms: 600_000 };
		const told = async (limits: Partial<typeof plenty>) => {
			const answer = await readDocument(work, { ...plenty, ...limits });
			return 'faults' in answer && say(answer.faults);
		};
		const [much, long] = ['much memory', 'long'].map(
			(what) => `1:1 Reading this takes too ${what}. Split the document into several.`
		);
		expect(await told({ memoryMb: 30 })).toEqual([much]);
		expect(await told({ processorMs: 100 })).toEqual([long]);
		expect(await told({ ms: 1 })).toEqual([long]);
		expect(await read(whole)).toHaveProperty('facts.title', 'T');
	});
});

test('servers and operations of published documents are compared in the thread', async () => {
	const text = fixture('galaxy-3.1.yaml');
	const after = text
		.replace('url: https://galaxy.scalar.com', 'url: https://api.galaxy.example')
		.replace(/^ {2}'\/me':\n(?: {4}.*\n|\n)+/m, '');
	expect(after.length).toBeLessThan(text.length - 100);
	const read = await readDocument({ text: after, fileName: 'a.yaml', before: { text, format: 'yaml' } });
	expect(read).toMatchObject({
		changes: {
			breaking: ['GET /me was removed.', 'The server https://galaxy.scalar.com was removed.'],
			removed: [],
			added: ['The server https://api.galaxy.example is new.'],
			changed: [],
			more: 0
		}
	});
	const same = await readDocument({ text, fileName: 'a.yaml', before: { text, format: 'yaml' } });
	expect(same).toMatchObject({ changes: { breaking: [], removed: [], added: [], changed: [], more: 0 } });
});
