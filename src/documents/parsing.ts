import { findNodeAtLocation, parseTree, printParseErrorCode, type Node as JsonNode } from 'jsonc-parser';
import {
	isAlias,
	isMap,
	isPair,
	isScalar,
	isSeq,
	parseDocument,
	Parser,
	type Document,
	type Node as YamlNode
} from 'yaml';
import type { DocumentFault, DocumentFormat } from '#lib/documents.ts';
import { excerpt, type Path } from './values.ts';

/** From text to values, where each of them can be found again in the text. */

/** No document that people write is nested as deep; what walks one may call itself once for each level. */
export const deepest = 200;
/** How often what an alias stands for may be repeated. Tools that show documents have the same limit. */
const maxAliases = 10_000;

export interface Parsed {
	format: DocumentFormat;
	value: unknown;
	/** Where the name of a member, or an item of a list, begins; where there is none, what is around it. */
	offsetOf: (path: Path) => number;
}

/** @throws {Unreadable} */
export class Unreadable extends Error {
	readonly faults: DocumentFault[];
	constructor(faults: DocumentFault[]) {
		super(faults[0]?.message);
		this.faults = faults;
	}
}

export function faultAt(text: string, offset: number, message: string): DocumentFault {
	const before = text.slice(0, offset);
	const line = before.split('\n').length;
	return { line, column: offset - before.lastIndexOf('\n'), message };
}

const refuse = (text: string, offset: number, message: string) =>
	new Unreadable([faultAt(text, offset, message)]);

const tooDeep = `This is nested deeper than ${deepest} levels.`;
const isOverflow = (error: unknown) => error instanceof RangeError;

/** By the name of the file where it says so, else by how it begins: YAML takes JSON too, but tells its faults worse. */
function formatOf(text: string, fileName: string): DocumentFormat {
	if (/\.ya?ml$/i.test(fileName)) return 'yaml';
	return /\.json$/i.test(fileName) || /^[\s\ufeff]*[{[]/.test(text) ? 'json' : 'yaml';
}

/** @throws {Unreadable} when the text is neither JSON nor YAML, or tries to do harm. */
export function parse(text: string, fileName: string): Parsed {
	if (text.trim() === '') throw refuse(text, 0, 'There is nothing in it.');
	// eslint-disable-next-line no-control-regex -- these are what is looked for
	const binary = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
	if (binary >= 0) throw refuse(text, binary, 'This is no text: save the document as UTF-8.');
	if (/^[\s\ufeff]*</.test(text))
		throw refuse(text, 0, 'This is a web page or XML. An OpenAPI document is JSON or YAML.');
	const format = formatOf(text, fileName);
	if (format === 'yaml') return parseYaml(text);
	try {
		// The mark of the order of bytes belongs to YAML alone; a space in its place keeps the columns.
		return parseJson(text.replace(/^\ufeff/, ' '));
	} catch (error) {
		const isNamed = /\.json$/i.test(fileName);
		if (isNamed || !(error instanceof Unreadable) || error.message !== jsonFaults.InvalidSymbol) throw error;
		const flow = parseFlow(text);
		if (!flow) throw error;
		return flow;
	}
}

/** YAML can be written in brackets, too, with texts that stand in no quotes; null where this is none either. */
function parseFlow(text: string): Parsed | null {
	try {
		return parseYaml(text);
	} catch (error) {
		if (error instanceof Unreadable) return null;
		throw error;
	}
}

const jsonFaults: Record<string, string> = {
	InvalidSymbol: 'This is no JSON: texts stand in double quotes.',
	InvalidNumberFormat: 'This is no number.',
	PropertyNameExpected: 'A name in double quotes has to stand here.',
	ValueExpected: 'A value has to stand here.',
	ColonExpected: 'A colon is missing here.',
	CommaExpected: 'A comma is missing here.',
	CloseBraceExpected: 'A “}” is missing here.',
	CloseBracketExpected: 'A “]” is missing here.',
	EndOfFileExpected: 'Something stands behind the end of the document.',
	InvalidCommentToken: 'JSON has no comments.',
	UnexpectedEndOfComment: 'JSON has no comments.',
	UnexpectedEndOfString: 'The text that begins here has no end on its line.',
	UnexpectedEndOfNumber: 'This is no number.',
	InvalidUnicode: 'Four hexadecimal digits have to follow “\\u”.',
	InvalidEscapeCharacter: 'This can’t stand behind a “\\”.',
	InvalidCharacter: 'This character can’t stand in a text as it is.'
};

function parseJson(text: string): Parsed {
	const deep = findDepth(text);
	if (deep !== null) throw refuse(text, deep, tooDeep);
	const errors: { error: number; offset: number }[] = [];
	const tree = parseTree(text, errors as Parameters<typeof parseTree>[1], { disallowComments: true });
	const [first] = errors;
	if (first) {
		const message = jsonFaults[printParseErrorCode(first.error)] ?? 'This is no valid JSON.';
		throw refuse(text, first.offset, message);
	}
	if (tree) checkNames(text, tree, jsonNames);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw refuse(text, 0, 'This is no valid JSON.');
	}
	return {
		format: 'json',
		value,
		offsetOf: (path) => {
			for (let length = path.length; tree && length > 0; length -= 1) {
				const node = findNodeAtLocation(tree, path.slice(0, length) as (string | number)[]);
				if (node) return (node.parent?.type === 'property' ? node.parent : node).offset;
			}
			return tree?.offset ?? 0;
		}
	};
}

/** Where brackets are nested too deep, found without calling itself for each. */
function findDepth(text: string): number | null {
	let depth = 0;
	for (let here = 0; here < text.length; here += 1) {
		const letter = text[here];
		if (letter === '"') {
			here += 1;
			while (here < text.length && text[here] !== '"') here += text[here] === '\\' ? 2 : 1;
		} else if (letter === '{' || letter === '[') {
			depth += 1;
			if (depth > deepest) return here;
		} else if (letter === '}' || letter === ']') depth -= 1;
	}
	return null;
}

interface Level<Node> {
	members: { name: string; offset: number; value: Node | null }[];
	items: Node[];
}

const maxNameFaults = 20;

/** Walks all values, and refuses names that stand twice beside each other or are no names of anybody's. */
function checkNames<Node>(text: string, root: Node, levelOf: (node: Node) => Level<Node>): void {
	const faults: DocumentFault[] = [];
	// No more than are told: finding a line walks the text.
	const add = (offset: number, message: string) => {
		if (faults.length < maxNameFaults) faults.push(faultAt(text, offset, message));
	};
	let level: Node[] = [root];
	for (let depth = 0; level.length > 0 && faults.length < maxNameFaults; depth += 1) {
		const next: Node[] = [];
		for (const node of level) {
			const { members, items } = levelOf(node);
			const names = new Set<string>();
			for (const { name, offset, value } of members) {
				if (depth >= deepest) throw refuse(text, offset, tooDeep);
				if (names.has(name)) add(offset, `“${excerpt(name)}” stands here a second time.`);
				if (name === '__proto__') add(offset, 'Nothing can have this name.');
				names.add(name);
				if (value !== null) next.push(value);
			}
			for (const item of items) next.push(item);
		}
		level = next;
		if (depth > deepest) throw refuse(text, 0, tooDeep);
	}
	if (faults.length > 0) throw new Unreadable(faults);
}

function jsonNames(node: JsonNode): Level<JsonNode> {
	const children = node.children ?? [];
	if (node.type !== 'object') return { members: [], items: children };
	const members = children.map(({ offset, children: [name, value] = [] }) => ({
		name: String(name?.value),
		offset,
		value: value ?? null
	}));
	return { members, items: [] };
}

const yamlFaults: Record<string, string> = {
	TAB_AS_INDENT: 'Lines are indented by spaces, not by tabs.',
	BAD_INDENT: 'This line is indented differently from what it belongs to.',
	MISSING_CHAR: 'A quote, comma, colon or bracket is missing here.',
	MULTILINE_IMPLICIT_KEY: 'A name has to end with a colon on its own line.',
	NON_STRING_KEY: 'A name has to be a text.',
	MULTIPLE_DOCS: 'Here a second document begins: there can be one alone.',
	UNEXPECTED_TOKEN: 'This can’t stand here.',
	BLOCK_AS_IMPLICIT_KEY: 'This belongs on a line of its own, or is indented wrongly.'
};

function parseYaml(text: string): Parsed {
	let document: Document.Parsed;
	try {
		document = parseDocument(text, {
			prettyErrors: false,
			// Looked for below: the library compares each name with each other.
			uniqueKeys: false,
			stringKeys: true,
			merge: true,
			logLevel: 'error'
		}) as Document.Parsed;
	} catch (error) {
		if (isOverflow(error)) throw refuse(text, findYamlDepth(text), tooDeep);
		throw error;
	}
	// The library tells of it as of a fault in the text.
	if (document.errors.some(({ message }) => /call stack|stack overflow/i.test(message)))
		throw refuse(text, findYamlDepth(text), tooDeep);
	if (document.errors.length > 0) {
		throw new Unreadable(
			document.errors.slice(0, 5).map(({ code, message, pos: [offset] }) => {
				return faultAt(text, offset, yamlFaults[code] ?? `${excerpt(message.replace(/\.$/, ''), 120)}.`);
			})
		);
	}
	if (document.contents) checkNames<YamlNode>(text, document.contents, yamlNames);
	let value: unknown;
	try {
		value = document.toJS({ maxAliasCount: maxAliases });
	} catch (error) {
		if (isOverflow(error)) throw refuse(text, 0, tooDeep);
		const [, lost] = /^Unresolved alias .*: (.+)$/s.exec(String((error as Error).message)) ?? [];
		const offset = lost === undefined ? text.search(/(?<=[:\s[,-])\*[^\s,\]}]/) : text.indexOf(`*${lost}`);
		const message =
			lost === undefined
				? 'Its aliases (“*name”) stand for too much.'
				: `Nothing before this is marked as “&${excerpt(lost)}”.`;
		throw refuse(text, Math.max(0, offset), message);
	}
	return { format: 'yaml', value, offsetOf: (path) => offsetInYaml(document, path) };
}

const isMerge = (name: unknown) => name === '<<' || typeof name === 'symbol';

function yamlNames(node: YamlNode): Level<YamlNode> {
	if (isSeq(node)) return { members: [], items: node.items as YamlNode[] };
	if (!isMap(node)) return { members: [], items: [] };
	const members = node.items.filter(isPair).flatMap(({ key, value }) => {
		const name = isScalar(key) ? key.value : key;
		const offset = (isScalar(key) && key.range?.[0]) || 0;
		const child = (value ?? null) as YamlNode | null;
		// What is merged in from several places may be named so several times.
		return [{ name: isMerge(name) ? `<<${offset}` : String(name), offset, value: child }];
	});
	return { members, items: [] };
}

function offsetInYaml(document: Document.Parsed, path: Path): number {
	let node: unknown = document.contents;
	let offset = document.contents?.range?.[0] ?? 0;
	for (const step of path) {
		if (isAlias(node)) node = node.resolve(document);
		if (isSeq(node)) {
			node = node.items[Number(step)];
			const range = (node as YamlNode | undefined)?.range;
			if (!range) return offset;
			[offset] = range;
		} else if (isMap(node)) {
			const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
			if (!pair) return offset;
			offset = (isScalar(pair.key) && pair.key.range?.[0]) || offset;
			node = pair.value;
		} else return offset;
	}
	return offset;
}

/** Where YAML is nested too deep, by its tokens, which are read without calling itself. */
function findYamlDepth(text: string): number {
	type Token = { offset?: number; items?: unknown[]; value?: unknown; key?: unknown };
	try {
		for (const token of new Parser().parse(text)) {
			const open: { token: Token; depth: number }[] = [{ token: token as Token, depth: 0 }];
			for (let one = open.pop(); one; one = open.pop()) {
				const { token, depth } = one;
				if (depth > deepest && token.offset !== undefined) return token.offset;
				const below = [...(Array.isArray(token.items) ? token.items : []), token.value, token.key];
				for (const child of below) {
					if (typeof child !== 'object' || child === null) continue;
					open.push({ token: child as Token, depth: depth + ('offset' in child ? 1 : 0) });
				}
			}
		}
	} catch (error) {
		if (!isOverflow(error)) throw error;
	}
	return 0;
}
