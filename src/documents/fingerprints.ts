import { at, isMembers, pathOfReference, type Members } from './values.ts';

/** Schemas as texts that are the same where they ask for the same, however they are written down. */

/** What no program depends on. */
const annotations = new Set([
	...['title', 'description', 'summary', 'example', 'examples', 'default', 'deprecated', 'externalDocs'],
	...[
		'xml',
		'discriminator',
		'$comment',
		'$id',
		'$schema',
		'$anchor',
		'$dynamicAnchor',
		'$defs',
		'definitions'
	]
]);
const isAnnotation = (name: string) => annotations.has(name) || name.startsWith('x-');

/** Under these stand names that people chose, each with a schema. */
const named = new Set(['properties', 'patternProperties', 'dependentSchemas']);
const data = new Set(['enum', 'const', 'dependentRequired']);
/** Lists in which the order says nothing. */
const sets = new Set(['oneOf', 'anyOf', 'allOf', 'enum', 'type', 'required']);

/** How many values are written down of one schema, and how far references are followed: what differs behind is not seen. */
const maxValues = 1_000;
const maxFollowed = 3;

/** The words of a schema that restrict what it describes. */
export const restrictionsOf = (schema: Members) => Object.keys(schema).filter((name) => !isAnnotation(name));

const written = new WeakMap<object, string>();

/** With what it refers to in place of the references, as deep as there is room. "{}" where anything may stand. */
export function fingerprint(root: unknown, schema: unknown): string {
	if (typeof schema !== 'object' || schema === null) return schema === false ? 'false' : '{}';
	const known = written.get(schema);
	if (known !== undefined) return known;
	const text = JSON.stringify(new Writer(root).write(schema, 'schema'));
	written.set(schema, text);
	return text;
}

type Holds = 'schema' | 'names' | 'data';

class Writer {
	readonly #root: unknown;
	/** What it is inside of by references: a schema that contains itself has an end. */
	readonly #open = new Set<string>();
	#room = maxValues;

	constructor(root: unknown) {
		this.#root = root;
	}

	write(value: unknown, holds: Holds): unknown {
		this.#room -= 1;
		if (this.#room < 0) return '…';
		if (Array.isArray(value)) return value.map((item) => this.write(item, holds));
		if (!isMembers(value)) return holds === 'schema' && value === true ? {} : value;
		if (holds === 'schema' && typeof value.$ref === 'string') return this.#follow(value.$ref, value);
		const names = Object.keys(value).toSorted();
		const kept = holds === 'schema' ? names.filter((name) => !isAnnotation(name)) : names;
		return Object.fromEntries(kept.map((name) => [name, this.#writeMember(name, value[name], holds)]));
	}

	#writeMember(name: string, value: unknown, holds: Holds): unknown {
		if (holds === 'names') return this.write(value, 'schema');
		if (holds === 'data') return this.write(value, 'data');
		const member = this.write(value, named.has(name) ? 'names' : data.has(name) ? 'data' : 'schema');
		if (!sets.has(name) || !Array.isArray(member)) return member;
		return member.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
	}

	#follow(reference: string, { $ref: _, ...beside }: Members): unknown {
		const path = pathOfReference(reference);
		if (!path || this.#open.has(reference) || this.#open.size >= maxFollowed) return { $ref: reference };
		this.#open.add(reference);
		const target = this.write(at(this.#root, ...path), 'schema');
		this.#open.delete(reference);
		return restrictionsOf(beside).length > 0 ? [target, this.write(beside, 'schema')] : target;
	}
}
