import { pairChoices } from './choices.ts';
import type { Finding } from './findings.ts';
import { followReferences } from './operations.ts';
import { choicesAlone, referredName, shapeOf, type Direction, type Shape } from './schemas.ts';
import { findChoices, findShapeChanges, member, say, type Subject } from './shape-changes.ts';
import { excerpt } from './values.ts';

/**
 * What changed of two schemas. Those that both documents keep under a name are compared once, however many operations
 * and schemas refer to them: that is also why one that contains itself has an end.
 */

const item = ({ holder, path }: Subject): Subject =>
	path === '' ? { holder: `each item of ${holder}`, path } : { holder, path: `${path}[]` };

interface Compared {
	findings: Finding[];
	/** The named schemas that are referred to, as keys of {@link SchemaChanges}. */
	next: Set<string>;
}

/** Schemas without a name are written inside each other; deeper than this nobody reads them. */
const maxDepth = 40;
/** How many pairs of schemas are compared: documents that people write have some ten thousand. */
const maxPairs = 500_000;

export class SchemaChanges {
	readonly #named = new Map<string, Compared>();
	readonly #before: unknown;
	readonly #after: unknown;
	/** Compares what is referred to, which has not been yet. */
	readonly #open: (() => void)[] = [];
	#room = maxPairs;

	constructor(before: unknown, after: unknown) {
		this.#before = before;
		this.#after = after;
	}

	/** @param holder what has these schemas, such as "the body". */
	find(before: unknown, after: unknown, direction: Direction, holder: string): Finding[] {
		const roots: Compared = { findings: [], next: new Set() };
		this.#compare(before, after, direction, { holder, path: '' }, roots, 0);
		for (let open = this.#open.pop(); open; open = this.#open.pop()) open();
		const found = [...roots.findings];
		// A set grows while it is walked.
		const reached = new Set(roots.next);
		for (const key of reached) {
			const { findings, next } = this.#named.get(key) ?? roots;
			found.push(...findings);
			for (const each of next) reached.add(each);
		}
		return found;
	}

	#compare(
		before: unknown,
		after: unknown,
		direction: Direction,
		subject: Subject,
		into: Compared,
		depth: number
	): void {
		this.#room -= 1;
		if (before === undefined || after === undefined || depth > maxDepth || this.#room < 0) return;
		const [was, is] = [referredName(this.#before, before), referredName(this.#after, after)];
		if (was === null || is === null) {
			this.#compareShapes(before, after, direction, subject, into, depth);
			return;
		}
		const key = JSON.stringify([direction, was.key, is.key]);
		into.next.add(key);
		if (this.#named.has(key)) return;
		const compared: Compared = { findings: [], next: new Set() };
		this.#named.set(key, compared);
		const holder = `${excerpt(is.name)} in ${direction}s`;
		// One after the other, not within each other: there may be thousands.
		this.#open.push(() => this.#compareShapes(before, after, direction, { holder, path: '' }, compared, 0));
	}

	#compareShapes(
		before: unknown,
		after: unknown,
		direction: Direction,
		subject: Subject,
		into: Compared,
		depth: number
	): void {
		const go = (before: unknown, after: unknown, of: Subject) =>
			this.#compare(before, after, direction, of, into, depth + 1);
		const compareChoices = (was: unknown[], is: unknown[]) => {
			const [one, other] = [
				{ root: this.#before, choices: was },
				{ root: this.#after, choices: is }
			];
			const found = pairChoices(one, other, direction);
			into.findings.push(...findChoices(found, direction, say(subject)));
			for (const [choice, now] of found.pairs) go(choice, now, subject);
		};
		const was = shapeOf(this.#before, before, direction);
		const is = shapeOf(this.#after, after, direction);
		const [choicesBefore, choicesAfter] = [choicesAlone(was), choicesAlone(is)];
		const isSingle = ({ choices, words }: Shape) => choices.length === 0 && words.size > 0;
		// What was one thing becomes one of several, or the other way round.
		if ((choicesBefore && isSingle(is)) || (choicesAfter && isSingle(was))) {
			compareChoices(choicesBefore ?? [before], choicesAfter ?? [after]);
			return;
		}
		into.findings.push(...findShapeChanges(was, is, direction, subject));
		for (const [name, property] of was.properties) {
			const now = is.properties.get(name);
			const of = member(subject, name);
			if (now !== undefined && isNewlyDeprecated(this.#before, property, this.#after, now))
				into.findings.push({ kind: 'changed', words: `${say(of)} is deprecated now.` });
			go(property, now, of);
		}
		for (const [before, after, of] of pairRest(was, is, subject)) go(before, after, of);
		for (const [index, choices] of was.choices.entries()) {
			const others = is.choices[index];
			if (others) compareChoices(choices, others);
		}
	}
}

/** Where one version says nothing of what the other describes, anything may stand: the empty schema. */
function pairRest(was: Shape, is: Shape, subject: Subject): [unknown, unknown, Subject][] {
	const pairs: [unknown, unknown, Subject][] = [];
	const add = (before: unknown, after: unknown, of: Subject) => {
		if (before !== undefined || after !== undefined) pairs.push([before ?? {}, after ?? {}, of]);
	};
	add(was.items, is.items, item(subject));
	for (let index = 0; index < Math.max(was.first.length, is.first.length); index += 1)
		add(was.first[index] ?? was.items, is.first[index] ?? is.items, item(subject));
	if (was.isOpen && is.isOpen) add(was.others, is.others, member(subject, '*'));
	for (const pattern of new Set([...was.patterned.keys(), ...is.patterned.keys()]))
		add(was.patterned.get(pattern), is.patterned.get(pattern), member(subject, pattern));
	return pairs;
}

function isNewlyDeprecated(before: unknown, was: unknown, after: unknown, is: unknown): boolean {
	return followReferences(after, is).deprecated === true && followReferences(before, was).deprecated !== true;
}
