import { resolve } from './operations.ts';
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

export interface Shape {
	/** Sorted; empty where anything may stand. */
	types: string[];
	format: string;
	/** As JSON; null where any value may stand. */
	values: string[] | null;
	properties: Map<string, unknown>;
	required: Set<string>;
	/** False where nothing but the properties may stand. */
	isOpen: boolean;
	/** Of whatever has another name. */
	others: unknown;
	items: unknown;
	/** What it may be one of, by name or place. */
	choices: Map<string, unknown>;
	/** The bounds by name, such as "maxLength". */
	bounds: Map<string, number>;
	pattern: string;
}

const boundNames = [
	'minLength',
	'maxLength',
	'minimum',
	'maximum',
	'minItems',
	'maxItems',
	'minProperties',
	'maxProperties'
];

/** The schemas that `allOf` puts together are one shape; as many as nobody writes, since they may contain themselves. */
const maxParts = 100;

/** With everything that `allOf` adds to it. */
export function shapeOf(root: unknown, schema: unknown, direction: Direction): Shape {
	const shape: Shape = {
		types: [],
		format: '',
		values: null,
		properties: new Map(),
		required: new Set(),
		isOpen: true,
		others: undefined,
		items: undefined,
		choices: new Map(),
		bounds: new Map(),
		pattern: ''
	};
	const open: unknown[] = [schema];
	const seen = new Set<unknown>();
	for (let count = 0; open.length > 0 && count < maxParts; count += 1) {
		const part = resolve(root, open.pop());
		if (seen.has(part)) continue;
		seen.add(part);
		addPart(root, shape, part, direction);
		// In 3.1 other words may stand beside a reference; what it refers to is there too.
		open.push(...listOf(part.allOf).toReversed());
	}
	return shape;
}

function addPart(root: unknown, shape: Shape, part: Members, direction: Direction): void {
	const types = typesOf(part);
	if (types.length > 0) shape.types = types;
	shape.format = textOf(part.format) || shape.format;
	const values = Array.isArray(part.enum) ? part.enum : 'const' in part ? [part.const] : null;
	if (values) shape.values = values.map((value) => JSON.stringify(value));
	for (const [name, property] of membersOf(part.properties)) {
		const { readOnly, writeOnly } = resolve(root, property);
		if (direction === 'request' ? readOnly === true : writeOnly === true) continue;
		shape.properties.set(name, property);
	}
	for (const name of listOf(part.required)) shape.required.add(textOf(name));
	const others = part.additionalProperties;
	if (others === false) shape.isOpen = false;
	else if (isMembers(others)) shape.others = others;
	if (part.items !== undefined) shape.items = part.items;
	for (const word of ['oneOf', 'anyOf'] as const) {
		for (const [index, choice] of listOf(part[word]).entries()) {
			shape.choices.set(nameOf(choice) ?? (textOf(at(choice, 'title')) || `no. ${index + 1}`), choice);
		}
	}
	for (const name of boundNames) {
		const bound = part[name];
		if (typeof bound === 'number') shape.bounds.set(name, bound);
	}
	shape.pattern = textOf(part.pattern) || shape.pattern;
}

function typesOf(part: Members): string[] {
	const told = Array.isArray(part.type) ? part.type.map(textOf) : [textOf(part.type)];
	const types = told.filter((type) => type !== '');
	if (types.length === 0 && isMembers(part.properties)) types.push('object');
	if (types.length > 0 && (part.nullable === true || part['x-nullable'] === true)) types.push('null');
	return [...new Set(types)].toSorted();
}

/** The name under which the document keeps a schema that is referred to; null where it has none. */
export function nameOf(schema: unknown): string | null {
	const reference = at(schema, '$ref');
	const path = typeof reference === 'string' ? pathOfReference(reference) : null;
	return path && path.length > 0 ? (path.at(-1) ?? null) : null;
}

export const sayTypes = (types: string[]) => (types.length > 0 ? types.join(' or ') : 'anything');

export const sayValue = (json: string) => excerpt(json.replace(/^"(.*)"$/s, '$1'), 60);
