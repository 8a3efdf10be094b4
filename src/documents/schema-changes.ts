import type { Finding, Kind } from './findings.ts';
import { resolve } from './operations.ts';
import { nameOf, sayTypes, sayValue, shapeOf, type Direction, type Shape } from './schemas.ts';
import { excerpt } from './values.ts';

/**
 * What changed of two schemas. Those that both documents keep under a name are compared once, however many operations
 * and schemas refer to them: that is also why one that contains itself has an end.
 */

/** What a sentence is about: "“tag” of Pet in requests". */
interface Subject {
	holder: string;
	path: string;
}

const say = ({ holder, path }: Subject) => (path === '' ? holder : `“${excerpt(path)}” of ${holder}`);
const member = ({ holder, path }: Subject, name: string): Subject => ({
	holder,
	path: path === '' ? name : `${path}.${name}`
});
const item = ({ holder, path }: Subject): Subject =>
	path === '' ? { holder: `each item of ${holder}`, path } : { holder, path: `${path}[]` };

interface Compared {
	findings: Finding[];
	/** The named schemas that are referred to, as keys of {@link SchemaChanges}. */
	next: Set<string>;
}

/** Schemas without a name are written inside each other; deeper than this nobody reads them. */
const maxDepth = 40;
const maxListed = 5;

const list = (values: string[]) => {
	const told = values.slice(0, maxListed).map((value) => `“${sayValue(value)}”`);
	return `${told.join(', ')}${values.length > maxListed ? ` and ${values.length - maxListed} more` : ''}`;
};

export class SchemaChanges {
	readonly #named = new Map<string, Compared>();
	readonly #before: unknown;
	readonly #after: unknown;

	constructor(before: unknown, after: unknown) {
		this.#before = before;
		this.#after = after;
	}

	/** @param holder what has these schemas, such as "the body". */
	find(before: unknown, after: unknown, direction: Direction, holder: string): Finding[] {
		const roots: Compared = { findings: [], next: new Set() };
		this.#compare(before, after, direction, { holder, path: '' }, roots, 0);
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
		if (before === undefined || after === undefined || depth > maxDepth) return;
		const [nameBefore, nameAfter] = [nameOf(before), nameOf(after)];
		if (nameBefore === null || nameAfter === null) {
			this.#compareShapes(before, after, direction, subject, into, depth);
			return;
		}
		const key = JSON.stringify([direction, nameBefore, nameAfter]);
		into.next.add(key);
		if (this.#named.has(key)) return;
		const compared: Compared = { findings: [], next: new Set() };
		this.#named.set(key, compared);
		const holder = `${excerpt(nameAfter)} in ${direction}s`;
		this.#compareShapes(before, after, direction, { holder, path: '' }, compared, 0);
	}

	#compareShapes(
		before: unknown,
		after: unknown,
		direction: Direction,
		subject: Subject,
		into: Compared,
		depth: number
	): void {
		const was = shapeOf(this.#before, before, direction);
		const is = shapeOf(this.#after, after, direction);
		into.findings.push(
			...findTypes(was, is, direction, say(subject)),
			...findValues(was, is, direction, say(subject)),
			...findBounds(was, is, direction, say(subject)),
			...findNames(was, is, direction, subject)
		);
		const go = (before: unknown, after: unknown, of: Subject) =>
			this.#compare(before, after, direction, of, into, depth + 1);
		for (const [name, property] of was.properties) {
			const now = is.properties.get(name);
			const of = member(subject, name);
			if (now !== undefined && isNewlyDeprecated(this.#before, property, this.#after, now))
				into.findings.push({ kind: 'changed', words: `${say(of)} is deprecated now.` });
			go(property, now, of);
		}
		go(was.items, is.items, item(subject));
		go(was.others, is.others, member(subject, '*'));
		into.findings.push(...findChoices(was, is, direction, say(subject)));
		for (const [name, choice] of was.choices) go(choice, is.choices.get(name), subject);
	}
}

function isNewlyDeprecated(before: unknown, was: unknown, after: unknown, is: unknown): boolean {
	return resolve(after, is).deprecated === true && resolve(before, was).deprecated !== true;
}

/** Whether whatever is of these types is of those too. */
function isCovered(types: string[], by: string[]): boolean {
	if (by.length === 0) return true;
	if (types.length === 0) return false;
	return types.every((type) => by.includes(type) || (type === 'integer' && by.includes('number')));
}

/** Formats that hold whatever the other one holds. */
const wider: Record<string, string> = { int32: 'int64', float: 'double' };

function findTypes(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const [from, to] = [sayTypes(was.types), sayTypes(is.types)];
	const [narrow, wide] = direction === 'request' ? [was, is] : [is, was];
	if (from !== to) {
		const kind: Kind = isCovered(narrow.types, wide.types) ? 'changed' : 'breaking';
		return [{ kind, words: `the type of ${subject} changed from ${from} to ${to}.` }];
	}
	if (was.format === is.format) return [];
	const isSafe = narrow.format === '' || wide.format === '' || wider[narrow.format] === wide.format;
	const say = (format: string) => (format === '' ? 'none' : `“${excerpt(format)}”`);
	const words = `the format of ${subject} changed from ${say(was.format)} to ${say(is.format)}.`;
	return [{ kind: isSafe ? 'changed' : 'breaking', words }];
}

function findValues(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const isRequest = direction === 'request';
	if (!was.values || !is.values) {
		if (is.values)
			return [
				{
					kind: isRequest ? 'breaking' : 'changed',
					words: `${subject} has to be one of ${list(is.values)} now.`
				}
			];
		return was.values ? [{ kind: 'changed', words: `${subject} may have any value now.` }] : [];
	}
	const [before, after] = [new Set(was.values), new Set(is.values)];
	const gone = was.values.filter((value) => !after.has(value));
	const fresh = is.values.filter((value) => !before.has(value));
	const findings: Finding[] = [];
	if (gone.length > 0)
		findings.push({
			kind: isRequest ? 'breaking' : 'removed',
			words: `${subject} can no longer be ${list(gone)}.`
		});
	if (fresh.length > 0) findings.push({ kind: 'added', words: `${subject} can also be ${list(fresh)}.` });
	return findings;
}

function findBounds(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const findings: Finding[] = [];
	for (const name of new Set([...was.bounds.keys(), ...is.bounds.keys()])) {
		const [before, after] = [was.bounds.get(name), is.bounds.get(name)];
		if (before === after) continue;
		const none = name.startsWith('min') ? -Infinity : Infinity;
		const difference = (after ?? none) - (before ?? none);
		const isNarrower = name.startsWith('min') ? difference > 0 : difference < 0;
		findings.push({
			kind: isNarrower && direction === 'request' ? 'breaking' : 'changed',
			words: `“${name}” of ${subject} changed from ${before ?? 'none'} to ${after ?? 'none'}.`
		});
	}
	if (was.pattern !== is.pattern) {
		const isNarrower = is.pattern !== '' && direction === 'request';
		const words = `the pattern of ${subject} ${is.pattern === '' ? 'was removed' : 'changed'}.`;
		findings.push({ kind: isNarrower ? 'breaking' : 'changed', words });
	}
	return findings;
}

function findNames(was: Shape, is: Shape, direction: Direction, of: Subject): Finding[] {
	const isRequest = direction === 'request';
	const findings: Finding[] = [];
	if (isRequest && was.isOpen && !is.isOpen)
		findings.push({ kind: 'breaking', words: `${say(of)} takes nothing else than its own names now.` });
	for (const name of was.properties.keys()) {
		const subject = say(member(of, name));
		if (!is.properties.has(name)) {
			const kind: Kind = isRequest && is.isOpen ? 'removed' : 'breaking';
			findings.push({ kind, words: `${subject} was removed.` });
			continue;
		}
		const [before, after] = [was.required.has(name), is.required.has(name)];
		if (before === after) continue;
		const words = isRequest
			? after
				? 'is required now'
				: 'is optional now'
			: after
				? 'is always there now'
				: 'may be missing now';
		findings.push({ kind: after === isRequest ? 'breaking' : 'changed', words: `${subject} ${words}.` });
	}
	for (const name of is.properties.keys()) {
		if (was.properties.has(name)) continue;
		const isDemanded = isRequest && is.required.has(name);
		const words = `${say(member(of, name))} is new${isDemanded ? ' and required' : ''}.`;
		findings.push({ kind: isDemanded ? 'breaking' : 'added', words });
	}
	return findings;
}

function findChoices(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	if (was.choices.size === 0 && is.choices.size === 0) return [];
	if (was.choices.size === 0 || is.choices.size === 0) {
		const words = is.choices.size > 0 ? 'is one of several now' : 'is no longer one of several';
		return [{ kind: 'changed', words: `${subject} ${words}.` }];
	}
	const findings: Finding[] = [];
	const quoted = (names: string[]) => list(names.map((name) => JSON.stringify(name)));
	const gone = [...was.choices.keys()].filter((name) => !is.choices.has(name));
	const fresh = [...is.choices.keys()].filter((name) => !was.choices.has(name));
	if (gone.length > 0) {
		const kind: Kind = direction === 'request' ? 'breaking' : 'removed';
		findings.push({ kind, words: `${subject} can no longer be ${quoted(gone)}.` });
	}
	if (fresh.length > 0) findings.push({ kind: 'added', words: `${subject} can also be ${quoted(fresh)}.` });
	return findings;
}
