import { fingerprint, restrictionsOf } from './fingerprints.ts';
import { followReferences } from './operations.ts';
import {
	at,
	excerpt,
	isMembers,
	listOf,
	membersOf,
	pathOfReference,
	textOf,
	type Members
} from './values.ts';

/** What of a schema matters to a program that sends or reads what it describes. */

/** Sent by those who call ("request") or by the API ("answer"). */
export type Direction = 'request' | 'answer';

export interface Bound {
	value: number;
	/** Whether the value itself lies beyond it. */
	isExclusive: boolean;
}

export interface Shape {
	/** Sorted; null where anything may stand. */
	types: string[] | null;
	format: string;
	/** As JSON; null where any value may stand. */
	values: string[] | null;
	/** As JSON; what counts where nothing is sent. */
	default: string | undefined;
	properties: Map<string, unknown>;
	/** By the pattern of their names. */
	patterned: Map<string, unknown>;
	required: Set<string>;
	/** False where nothing but the properties may stand. */
	isOpen: boolean;
	/** Of whatever has another name. */
	others: unknown;
	items: unknown;
	/** Of the first items, in their order. */
	first: unknown[];
	/** Each is a list of what it may be one of. */
	choices: unknown[][];
	/** The bounds by name, such as "maxLength". */
	bounds: Map<string, number>;
	lower: Bound | null;
	upper: Bound | null;
	/** It is a multiple of each. */
	factors: number[];
	/** The words that say something of it. */
	words: Set<string>;
	/** By keyword, what else has to hold, as texts: of two that differ neither is known to hold more. */
	conditions: Map<string, Set<string>>;
}

const boundNames = [
	...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
	...['minContains', 'maxContains']
];

/** The schemas that `allOf` puts together are one shape; as many as nobody writes, since they may contain themselves. */
const maxParts = 100;

/** With everything that `allOf` adds to it. All parts hold: of each thing that two of them say, the narrower counts. */
export function shapeOf(root: unknown, schema: unknown, direction: Direction): Shape {
	const shape: Shape = {
		...{ types: null, format: '', values: null, default: undefined },
		...{ properties: new Map(), patterned: new Map(), required: new Set(), isOpen: true, others: undefined },
		...{ items: undefined, first: [], choices: [], bounds: new Map(), lower: null, upper: null },
		...{ factors: [], conditions: new Map(), words: new Set() }
	};
	const open: unknown[] = [schema];
	const seen = new Set<unknown>();
	for (let count = 0; open.length > 0 && count < maxParts; count += 1) {
		const given = open.pop();
		const part = given === false ? nothing : followReferences(root, given);
		if (seen.has(part)) continue;
		seen.add(part);
		addPart(root, shape, part, direction);
		open.push(...listOf(part.allOf).toReversed());
		const beside = besideReference(root, given);
		if (beside) open.push(beside);
	}
	return shape;
}

/** The schema `false`. */
const nothing: Members = { not: {} };

/** From 3.1 on other words may stand beside a reference; null where none of them restricts anything. */
function besideReference(root: unknown, schema: unknown): Members | null {
	if (!isMembers(schema) || typeof schema.$ref !== 'string') return null;
	if (!/^3\.[1-9]/.test(textOf(at(root, 'openapi')))) return null;
	const { $ref: _, ...beside } = schema;
	return restrictionsOf(beside).length > 0 ? beside : null;
}

const isEmpty = (schema: unknown) => isMembers(schema) && restrictionsOf(schema).length === 0;

/** Both hold. */
function combine(one: unknown, other: unknown): unknown {
	if (one === undefined || one === other) return other;
	const reference = at(one, '$ref');
	if (reference !== undefined && reference === at(other, '$ref')) return one;
	if (isEmpty(other)) return one;
	return isEmpty(one) ? other : { allOf: [one, other] };
}

function addPart(root: unknown, shape: Shape, part: Members, direction: Direction): void {
	for (const word of restrictionsOf(part)) if (word !== 'allOf') shape.words.add(word);
	shape.types = overlapOfTypes(shape.types, typesOf(part));
	shape.format ||= textOf(part.format);
	const given = Array.isArray(part.enum) ? part.enum : 'const' in part ? [part.const] : null;
	const values = given?.map((value) => JSON.stringify(value)) ?? null;
	if (values) shape.values = shape.values?.filter((value) => values.includes(value)) ?? values;
	if (part.default !== undefined) shape.default ??= JSON.stringify(part.default);
	for (const [name, property] of membersOf(part.properties)) {
		const { readOnly, writeOnly } = followReferences(root, property);
		if (direction === 'request' ? readOnly === true : writeOnly === true) continue;
		shape.properties.set(name, combine(shape.properties.get(name), property));
	}
	for (const [pattern, schema] of membersOf(part.patternProperties))
		shape.patterned.set(pattern, combine(shape.patterned.get(pattern), schema));
	for (const name of listOf(part.required)) shape.required.add(textOf(name));
	for (const others of [part.additionalProperties, part.unevaluatedProperties]) {
		if (others === false) shape.isOpen = false;
		else if (isMembers(others)) shape.others = combine(shape.others, others);
	}
	if (part.items !== undefined && part.items !== true) shape.items = combine(shape.items, part.items);
	for (const [index, item] of listOf(part.prefixItems).entries())
		shape.first[index] = combine(shape.first[index], item);
	for (const word of ['oneOf', 'anyOf'] as const) {
		const choices = listOf(part[word]);
		if (choices.length > 0) shape.choices.push(choices);
	}
	addBounds(shape, part);
	addConditions(root, shape, part);
}

function addBounds(shape: Shape, part: Members): void {
	for (const name of boundNames) {
		const bound = part[name];
		if (typeof bound !== 'number') continue;
		const known = shape.bounds.get(name) ?? bound;
		shape.bounds.set(name, name.startsWith('min') ? Math.max(known, bound) : Math.min(known, bound));
	}
	// It has to be there once, unless told otherwise.
	if (part.contains !== undefined && !shape.bounds.has('minContains')) shape.bounds.set('minContains', 1);
	for (const bound of boundsOf(part.minimum, part.exclusiveMinimum))
		if (!shape.lower || reach(bound, 1) > reach(shape.lower, 1)) shape.lower = bound;
	for (const bound of boundsOf(part.maximum, part.exclusiveMaximum))
		if (!shape.upper || reach(bound, -1) < reach(shape.upper, -1)) shape.upper = bound;
	if (typeof part.multipleOf === 'number' && part.multipleOf > 0) shape.factors.push(part.multipleOf);
}

/** In 2.0 and 3.0 a bound is told to be exclusive, from 3.1 on it is another bound. */
function boundsOf(bound: unknown, exclusive: unknown): Bound[] {
	const bounds: Bound[] = [];
	if (typeof bound === 'number') bounds.push({ value: bound, isExclusive: exclusive === true });
	if (typeof exclusive === 'number') bounds.push({ value: exclusive, isExclusive: true });
	return bounds;
}

/** Where an exclusive bound lies, for comparing: the smallest step beyond its value. */
export function reach({ value, isExclusive }: Bound, way: 1 | -1): number {
	return isExclusive ? value + way * Math.max(Number.MIN_VALUE, Math.abs(value) * Number.EPSILON) : value;
}

function addConditions(root: unknown, shape: Shape, part: Members): void {
	const add = (keyword: string, condition: string) => {
		const known = shape.conditions.get(keyword) ?? new Set();
		shape.conditions.set(keyword, known.add(condition));
	};
	for (const keyword of ['pattern', 'contentEncoding', 'contentMediaType'])
		if (textOf(part[keyword]) !== '') add(keyword, textOf(part[keyword]));
	if (part.uniqueItems === true) add('uniqueItems', 'true');
	for (const keyword of ['not', 'contains', 'propertyNames', 'unevaluatedItems', 'contentSchema'])
		if (part[keyword] !== undefined && part[keyword] !== true) add(keyword, fingerprint(root, part[keyword]));
	for (const keyword of ['then', 'else'])
		if (part.if !== undefined && part[keyword] !== undefined)
			add(keyword, [part.if, part[keyword]].map((schema) => fingerprint(root, schema)).join());
	for (const [name, schema] of membersOf(part.dependentSchemas))
		add('dependentSchemas', JSON.stringify([name, fingerprint(root, schema)]));
	for (const [name, needed] of membersOf(part.dependentRequired))
		for (const other of listOf(needed)) add('dependentRequired', JSON.stringify([name, other]));
}

function typesOf(part: Members): string[] | null {
	const told = Array.isArray(part.type) ? part.type.map(textOf) : [textOf(part.type)];
	const types = told.filter((type) => type !== '');
	if (types.length === 0 && isMembers(part.properties)) types.push('object');
	if (types.length === 0) return null;
	if (part.nullable === true || part['x-nullable'] === true) types.push('null');
	return [...new Set(types)].toSorted();
}

/** Of two that have nothing in common, which nothing fulfils, the first. */
function overlapOfTypes(some: string[] | null, others: string[] | null): string[] | null {
	if (!some || !others) return some ?? others;
	const isIn = (type: string, types: string[]) =>
		types.includes(type) || (type === 'integer' && types.includes('number'));
	const both = [...some.filter((type) => isIn(type, others)), ...others.filter((type) => isIn(type, some))];
	return both.length > 0 ? [...new Set(both)].toSorted() : some;
}

/** What the document calls a schema that is referred to, and where it is kept; null where it has no name. */
export function referredName(root: unknown, schema: unknown): { name: string; key: string } | null {
	const reference = at(schema, '$ref');
	const path = typeof reference === 'string' ? pathOfReference(reference) : null;
	if (!path || path.length === 0 || besideReference(root, schema)) return null;
	return { name: path.at(-1) ?? '', key: path.join('/') };
}

/** Where it says nothing else than what it may be one of, that. */
export function choicesAlone({ choices: [choices, ...more], words }: Shape): unknown[] | null {
	return choices && more.length === 0 && words.size === 1 ? choices : null;
}

export const sayTypes = (types: string[] | null) => (types ? types.join(' or ') : 'anything');

export const sayValue = (json: string) => excerpt(json.replace(/^"(.*)"$/s, '$1'), 60);
