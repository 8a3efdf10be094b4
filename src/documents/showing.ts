import { at, excerpt, isMembers, pathOfReference, type Members } from './values.ts';

/**
 * What the viewer is given of a document. It writes an example of each schema by following all references, eleven levels
 * deep: a schema that refers to itself four times is a million values then, and the tab that shows it stands still. Where
 * that becomes too much, references are replaced by what they lead to in words; all others stay.
 */

/** How far the viewer follows, in levels of properties and items. */
const levels = 11;
/** How many values one example may have. */
const maxValues = 10_000;
/** How many values are counted for one document; from then on no reference within a schema is kept. */
const maxCounted = 4_000_000;

/** What stands under these is somebody's data, whatever it looks like. */
const data = new Set(['example', 'default', 'enum', 'const', 'examples', 'value', 'mapping']);
/** Under these stand names that people chose, each with a schema. */
const named = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
/** Of these the viewer shows one at a time. */
const choices = new Set(['oneOf', 'anyOf']);
/** Where a schema stands in what is none. */
const beginnings = new Set(['schema', 'schemas', 'definitions', 'itemSchema']);

type Holder = Members | unknown[];
/** A reference within a schema. */
interface Edge {
	holder: Holder;
	step: string | number;
	reference: string;
}

/**
 * The document as it can be shown; null where that is as it is. Changes the value.
 * @param value a document whose references have been checked.
 */
export function boundForViewer(value: unknown): unknown {
	const cutting = new Cutting(value);
	cutting.run();
	return cutting.count > 0 ? value : null;
}

class Cutting {
	count = 0;
	readonly #root: unknown;
	/** How many values a schema stands for, by how many levels are left. */
	#sizes = new Map<object, number[]>();
	#counted = 0;

	constructor(root: unknown) {
		this.#root = root;
	}

	run(): void {
		// What is referred to comes before what refers to it, so that it is the deepest reference that is replaced.
		for (const unit of this.#listUnits()) this.#settle(unit);
	}

	/** All schemas that an example is written of, behind those that they refer to. */
	#listUnits(): Set<Members> {
		const units = new Set<Members>();
		const known = new Set<Members>();
		for (const beginning of beginningsOf(this.#root)) {
			const open: { unit: Members; edges: Edge[] }[] = [];
			const enter = (unit: unknown) => {
				if (!isMembers(unit) || known.has(unit)) return;
				known.add(unit);
				// What it is itself by a reference comes before it, too.
				const own =
					typeof unit.$ref === 'string' ? [{ holder: unit, step: '$ref', reference: unit.$ref }] : [];
				open.push({ unit, edges: [...edgesOf(unit), ...own] });
			};
			enter(beginning);
			for (let last = open.at(-1); last; last = open.at(-1)) {
				const edge = last.edges.pop();
				if (edge) enter(this.#targetOf(edge.reference));
				else if (open.pop()) units.add(last.unit);
			}
		}
		return units;
	}

	#targetOf(reference: string): unknown {
		const path = pathOfReference(reference);
		return path ? at(this.#root, ...path) : undefined;
	}

	#settle(unit: Members): void {
		if (this.#measure(unit, levels) <= maxValues) return;
		// The ones that lead to the most go first; as few as it takes.
		const edges = edgesOf(unit)
			.map((edge) => ({ edge, size: this.#measure(this.#targetOf(edge.reference), levels) }))
			.toSorted((a, b) => b.size - a.size)
			.map(({ edge }) => edge);
		const isEnough = (count: number) => {
			const undo = edges.slice(0, count).map((edge) => this.#replace(edge));
			this.#sizes = new Map();
			const size = this.#measure(unit, levels);
			for (const one of undo) one();
			return size <= maxValues;
		};
		let [few, enough] = [0, edges.length];
		while (few + 1 < enough && this.#counted <= maxCounted) {
			const middle = Math.floor((few + enough) / 2);
			if (isEnough(middle)) enough = middle;
			else few = middle;
		}
		for (const edge of edges.slice(0, enough)) this.#replace(edge);
		this.count += enough;
		this.#sizes = new Map();
	}

	/** @returns what puts it back. */
	#replace({ holder, step, reference }: Edge): () => void {
		const place = holder as Members;
		const before = place[step];
		place[step] = inWords(reference, this.#targetOf(reference));
		return () => (place[step] = before);
	}

	/** How many values an example of it has; endless where it never comes to any. */
	#measure(schema: unknown, left: number): number {
		if (typeof schema !== 'object' || schema === null || left <= 0) return 1;
		const known = this.#sizes.get(schema) ?? [];
		this.#sizes.set(schema, known);
		const found = known[left];
		if (found !== undefined) return found;
		this.#counted += 1;
		if (this.#counted > maxCounted) return Infinity;
		// Who comes here again meanwhile is in a circle that has no end at any level.
		known[left] = Infinity;
		const reference = at(schema, '$ref');
		let size = 1;
		if (typeof reference === 'string') size += this.#measure(this.#targetOf(reference), left);
		for (const [name, child] of Object.entries(schema)) {
			if (data.has(name) || name.startsWith('x-')) continue;
			size += this.#measureMember(name, child, left);
		}
		known[left] = size;
		return size;
	}

	#measureMember(name: string, child: unknown, left: number): number {
		if (typeof child !== 'object' || child === null) return 0;
		// What `allOf` puts together is one level.
		if (name === 'allOf') return sum(Object.values(child).map((one) => this.#measure(one, left)));
		const sizes = () => Object.values(child).map((one) => this.#measure(one, left - 1));
		if (choices.has(name)) return Math.max(0, ...sizes());
		return named.has(name) || Array.isArray(child) ? sum(sizes()) : this.#measure(child, left - 1);
	}
}

const sum = (sizes: number[]) => sizes.reduce((all, one) => all + one, 0);

/** In the place of a reference: of the same type, so that an example is one still. */
function inWords(reference: string, target: unknown): Members {
	const name = excerpt(pathOfReference(reference)?.at(-1) ?? '', 100);
	const type = at(target, 'type') ?? (at(target, 'properties') ? 'object' : undefined);
	return {
		...(type !== undefined && { type }),
		title: name,
		description: `See the schema “${name}”.`
	};
}

/** The references of a schema itself and of all that stands in it. */
function edgesOf(schema: Members): Edge[] {
	const edges: Edge[] = [];
	const open: [value: unknown, isNames: boolean][] = [[schema, false]];
	const known = new Set<unknown>();
	for (let one = open.pop(); one; one = open.pop()) {
		const [value, isNames] = one;
		if (typeof value !== 'object' || value === null || known.has(value)) continue;
		known.add(value);
		for (const [step, child] of Object.entries(value)) {
			if (!isNames && (data.has(step) || step.startsWith('x-'))) continue;
			const reference: unknown = at(child, '$ref');
			if (typeof reference === 'string') edges.push({ holder: value as Holder, step, reference });
			open.push([child, !isNames && named.has(step) && isMembers(child)]);
		}
	}
	return edges;
}

/** The schemas that stand in what is none: of components, bodies, answers and parameters. */
function beginningsOf(root: unknown): Members[] {
	const found = new Set<Members>();
	const open = [root];
	const known = new Set<unknown>();
	for (let value = open.pop(); value !== undefined; value = open.pop()) {
		if (typeof value !== 'object' || value === null || known.has(value)) continue;
		known.add(value);
		for (const [name, child] of Object.entries(value)) {
			if (!beginnings.has(name) || Array.isArray(value)) open.push(child);
			else if (name === 'schema' || name === 'itemSchema') {
				if (isMembers(child)) found.add(child);
			} else
				for (const one of Object.values(isMembers(child) ? child : {})) if (isMembers(one)) found.add(one);
		}
	}
	return [...found];
}
