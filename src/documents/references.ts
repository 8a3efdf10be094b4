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
	const references: { path: Path; reference: string }[] = [];
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
		if (typeof value !== 'object' || value === null) continue;
		if (holds === 'words' && isMembers(value)) collect(value, path, references, anchors);
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
	for (const { path, reference } of references.toReversed()) {
		if (faults.length >= max) break;
		const message = findFault(root, reference, anchors);
		if (message) faults.push({ path, message });
	}
	return faults;
}

interface Open {
	value: unknown;
	path: Path;
	/** Words of OpenAPI, names that people chose with words behind them, or data, in which nothing refers to anything. */
	holds: 'words' | 'names' | 'data';
}

function whatHolds(holds: Open['holds'], name: string, child: unknown): Open['holds'] {
	if (holds === 'data') return 'data';
	if (holds === 'names') return 'words';
	if (named.has(name) && isMembers(child)) return 'names';
	return data.has(name) || name.startsWith('x-') ? 'data' : 'words';
}

function collect(
	value: Members,
	path: Path,
	references: { path: Path; reference: string }[],
	anchors: Set<string>
): void {
	for (const name of ['$ref', '$dynamicRef', 'operationRef']) {
		const reference = at(value, name);
		if (typeof reference === 'string') references.push({ path: [...path, name], reference });
	}
	for (const name of ['$anchor', '$dynamicAnchor']) {
		const anchor = at(value, name);
		if (typeof anchor === 'string') anchors.add(anchor);
	}
	for (const [name, mapped] of Object.entries(mappingOf(value))) {
		if (typeof mapped === 'string' && /^\.{0,2}\/|:\/\//.test(mapped))
			references.push({ path: [...path, 'discriminator', 'mapping', name], reference: mapped });
	}
}

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
