import type { Path } from './values.ts';
import { at, excerpt, isMembers, pathOfReference, type Members } from './values.ts';
import { deepest } from './parsing.ts';

/** Where a document refers to, within itself and elsewhere. */

export interface PlacedFault {
	path: Path;
	message: string;
}

/** How many values a document may stand for once aliases are followed: 5 MB without any hold fewer. */
const maxValues = 1_500_000;

/** What stands under these is somebody's data, whatever it looks like. */
const data = new Set(['example', 'default', 'enum', 'const', 'examples', 'value']);
/** Under these stand names that people chose: one that is called "default" is no default. */
const named = new Set([
	...['properties', 'patternProperties', 'dependentSchemas', 'definitions', '$defs', 'schemas', 'responses'],
	...['parameters', 'headers', 'requestBodies', 'callbacks', 'links', 'pathItems', 'content', 'encoding'],
	...['securitySchemes', 'securityDefinitions', 'variables', 'paths', 'webhooks', 'examples']
]);

const elsewhere = (reference: string) =>
	`“${excerpt(reference)}” is elsewhere: a document can only refer to what stands in it.`;

/** What leads out of the document, to nothing, or round in a circle without ever coming to something. */
export function findReferenceFaults(root: unknown, max: number): PlacedFault[] {
	const faults: PlacedFault[] = [];
	const anchors = new Set<string>();
	const references: Placed[] = [];
	const bases: Collected['bases'] = new Map();
	const wholes = new Map<unknown, Whole>();
	let count = 0;
	const open: Open[] = [{ value: root, path: [], holds: 'words' }];
	for (let one = open.pop(); one; one = open.pop()) {
		const { value, path, holds } = one;
		count += 1;
		if (count > maxValues)
			return [{ path, message: 'This stands for too much: aliases repeat it too often.' }];
		if (path.length > deepest) {
			const message = `This is nested deeper than ${deepest} levels.`;
			return [{ path: path.slice(0, 50), message }];
		}
		// YAML and a long exponent have numbers that JSON, as which all tools read a document, has not.
		if (typeof value === 'number' && !Number.isFinite(value) && faults.length < max)
			faults.push({ path, message: 'This is no number that JSON has.' });
		if (typeof value !== 'object' || value === null) continue;
		if (holds === 'words' && isMembers(value)) {
			collect(value, path, { root, references, anchors, bases });
			if (Array.isArray(value.allOf) && value.$ref === undefined)
				wholes.set(value, { path, parts: value.allOf });
		}
		if (holds === 'extension' && isMembers(value) && typeof at(value, '$ref') === 'string')
			references.push({ path: [...path, '$ref'], reference: String(value.$ref) });
		const isList = Array.isArray(value);
		for (const [name, child] of Object.entries(value)) {
			const step = isList ? Number(name) : name;
			open.push({
				value: child,
				path: [...path, step],
				holds: isList ? holds : whatHolds(holds, name, child)
			});
		}
	}
	references.push(...findBases(references, bases));
	for (const { path, reference } of references.toReversed()) {
		if (faults.length >= max) break;
		const message = findFault(root, reference, anchors);
		if (message) faults.push({ path, message });
	}
	if (faults.length === 0) faults.push(...findCircles(root, wholes).slice(0, max));
	return faults;
}

/** A schema of which `allOf` makes a part. */
interface Whole {
	path: Path;
	parts: unknown[];
}

/** Where a schema would be a part of itself, which nothing can be. */
function findCircles(root: unknown, wholes: ReadonlyMap<unknown, Whole>): PlacedFault[] {
	const faults: PlacedFault[] = [];
	const done = new Set<unknown>();
	for (const start of [...wholes.keys()].toReversed()) {
		/** From a schema to its parts; each with how many of them have been looked at. */
		const open = [{ schema: start, next: 0 }];
		const within = new Set<unknown>([start]);
		for (let last = open.at(-1); last; last = open.at(-1)) {
			const whole = done.has(last.schema) ? undefined : wholes.get(last.schema);
			const index = last.next;
			last.next += 1;
			if (!whole || index >= whole.parts.length) {
				done.add(last.schema);
				within.delete(last.schema);
				open.pop();
				continue;
			}
			const part = followed(root, whole.parts[index]);
			if (within.has(part))
				faults.push({
					path: [...whole.path, 'allOf', index],
					message: 'By this, the schema is a part of itself: nothing can be such a thing.'
				});
			else {
				within.add(part);
				open.push({ schema: part, next: 0 });
			}
		}
	}
	return faults;
}

/** None leads round in a circle: that has been looked for. */
function followed(root: unknown, schema: unknown): unknown {
	let here = schema;
	for (let reference = at(here, '$ref'); typeof reference === 'string'; reference = at(here, '$ref'))
		here = at(root, ...(pathOfReference(reference) ?? []));
	return here;
}

type Placed = { path: Path; reference: string };

interface Collected {
	root: unknown;
	references: Placed[];
	anchors: Set<string>;
	/** The schemas that have an address as their name, by their path as JSON. */
	bases: Map<string, Placed>;
}

/** The addresses that something within them refers from. */
function findBases(references: Placed[], bases: Collected['bases']): Set<Placed> {
	const found = new Set<Placed>();
	if (bases.size === 0) return found;
	for (const { path } of references)
		for (let length = 0; length < path.length; length += 1) {
			const base = bases.get(JSON.stringify(path.slice(0, length)));
			if (base) found.add(base);
		}
	return found;
}

interface Open {
	value: unknown;
	path: Path;
	/**
	 * Words of OpenAPI, names that people chose with words behind them, data, in which nothing refers to anything, or what
	 * is somebody's own: there a "$ref" is followed by viewers as anywhere else, and nothing else is known.
	 */
	holds: 'words' | 'names' | 'data' | 'extension';
}

function whatHolds(holds: Open['holds'], name: string, child: unknown): Open['holds'] {
	if (holds === 'data' || holds === 'extension') return holds;
	if (holds === 'names') return 'words';
	if (named.has(name) && isMembers(child)) return 'names';
	if (data.has(name)) return 'data';
	return name.startsWith('x-') ? 'extension' : 'words';
}

function collect(value: Members, path: Path, { root, references, anchors, bases }: Collected): void {
	for (const name of ['$ref', '$dynamicRef', 'operationRef', 'externalValue']) {
		const reference = at(value, name);
		if (typeof reference === 'string') references.push({ path: [...path, name], reference });
	}
	// A name, which nobody asks for; from an address, references within it lead elsewhere, and from none they don't. One
	// that is a fragment alone, as of earlier drafts, is an anchor.
	const id = at(value, '$id');
	if (typeof id === 'string' && id.startsWith('#')) anchors.add(id.slice(1));
	else if (typeof id === 'string' && /^[a-z][a-z0-9+.-]*:|^\/\//i.test(id))
		bases.set(JSON.stringify(path), { path: [...path, '$id'], reference: id });
	// Readers of a schema look for words that they don't know where these lead; the official ones are names that all know.
	for (const name of ['$schema', 'jsonSchemaDialect']) {
		const dialect = at(value, name);
		if (typeof dialect === 'string' && !isKnownDialect(dialect))
			references.push({ path: [...path, name], reference: dialect });
	}
	for (const name of ['$anchor', '$dynamicAnchor']) {
		const anchor = at(value, name);
		if (typeof anchor === 'string') anchors.add(anchor);
	}
	for (const [name, mapped] of Object.entries(mappingOf(value))) {
		if (typeof mapped === 'string' && isReference(root, mapped))
			references.push({ path: [...path, 'discriminator', 'mapping', name], reference: mapped });
	}
}

const isKnownDialect = (dialect: string) =>
	/^https?:\/\/json-schema\.org\/(?:draft-0[4-7]|draft\/20(?:19-09|20-12))\/schema#?$/.test(dialect) ||
	/^https:\/\/spec\.openapis\.org\/oas\/3\.[01]\/dialect\/(?:base|\d{4}-\d{2}-\d{2})$/.test(dialect);

/** Else it is the name of a schema, in which no “/” and no “#” can stand. */
const isReference = (root: unknown, mapped: string) =>
	/[/#]/.test(mapped) ||
	(/\.(?:json|ya?ml)$/i.test(mapped) && at(root, 'components', 'schemas', mapped) === undefined);

function mappingOf(value: Members): Members {
	const mapping = at(value, 'discriminator', 'mapping');
	return isMembers(mapping) ? mapping : {};
}

function findFault(root: unknown, reference: string, anchors: ReadonlySet<string>): string | null {
	if (!reference.startsWith('#')) return elsewhere(reference);
	if (/^#[A-Za-z_]/.test(reference))
		return anchors.has(reference.slice(1)) ? null : `There is no “${excerpt(reference)}” in the document.`;
	const seen = new Set<string>();
	for (let next: unknown = reference; typeof next === 'string' && next.startsWith('#');) {
		if (seen.has(next)) return `“${excerpt(reference)}” leads back to itself and never to anything else.`;
		seen.add(next);
		const path = pathOfReference(next);
		if (!path) return /^#[A-Za-z_]/.test(next) ? null : `“${excerpt(next)}” can’t be read as a reference.`;
		const target = at(root, ...path);
		if (target === undefined) return `There is no “${excerpt(next)}” in the document.`;
		next = at(target, '$ref');
	}
	return null;
}
