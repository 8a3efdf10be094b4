import type { Pairs } from './choices.ts';
import type { Finding, FindingKind } from './findings.ts';
import { reach, sayTypes, sayValue, type Bound, type Direction, type Shape } from './schemas.ts';
import { excerpt } from './values.ts';

/**
 * What changed of two shapes, but for what is inside of them. What takes less in a request breaks programs that sent
 * the rest; what gives more in an answer breaks those that never expected it.
 */

/** What a sentence is about: "“tag” of Pet in requests". */
export interface Subject {
	holder: string;
	path: string;
}

export const say = ({ holder, path }: Subject) => (path === '' ? holder : `“${excerpt(path)}” of ${holder}`);
export const member = ({ holder, path }: Subject, name: string): Subject => ({
	holder,
	path: path === '' ? name : `${path}.${name}`
});

const maxListed = 5;

const list = (values: string[]) => {
	const told = values.slice(0, maxListed).map((value) => `“${sayValue(value)}”`);
	return `${told.join(', ')}${values.length > maxListed ? ` and ${values.length - maxListed} more` : ''}`;
};

export function findShapeChanges(was: Shape, is: Shape, direction: Direction, subject: Subject): Finding[] {
	const name = say(subject);
	return [
		...findTypes(was, is, direction, name),
		...findValues(was, is, direction, name),
		...findDefault(was, is, direction, name),
		...findBounds(was, is, direction, name),
		...findFactors(was, is, direction, name),
		...findConditions(was, is, direction, name),
		...findNames(was, is, direction, subject),
		...findGroups(was, is, direction, name)
	];
}

/** Of a change after which less is taken, more is, or perhaps both. */
function kindOf(
	{ isNarrower, isWider }: { isNarrower: boolean; isWider: boolean },
	direction: Direction
): FindingKind {
	return (direction === 'request' ? isNarrower : isWider) ? 'breaking' : 'changed';
}

/** Whether whatever is of these types is of those too. */
function isCovered(types: string[] | null, by: string[] | null): boolean {
	if (!by) return true;
	if (!types) return false;
	return types.every((type) => by.includes(type) || (type === 'integer' && by.includes('number')));
}

/** Formats that say of a type what is so anyway, or only how it is shown. */
const empty = new Set(['int64', 'double', 'password']);

function findTypes(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const [from, to] = [sayTypes(was.types), sayTypes(is.types)];
	if (from !== to) {
		const change = { isNarrower: !isCovered(was.types, is.types), isWider: !isCovered(is.types, was.types) };
		return [
			{ kind: kindOf(change, direction), words: `the type of ${subject} changed from ${from} to ${to}.` }
		];
	}
	if (was.format === is.format) return [];
	const [before, after] = [was.format, is.format].map((format) => (empty.has(format) ? '' : format));
	// A whole number of any size, and one with a part behind its point, hold whatever the smaller one holds.
	const isSame = before === after;
	const change = { isNarrower: !isSame && after !== '', isWider: !isSame && before !== '' };
	const sayFormat = (format: string) => (format === '' ? 'none' : `“${excerpt(format)}”`);
	const words = `the format of ${subject} changed from ${sayFormat(was.format)} to ${sayFormat(is.format)}.`;
	return [{ kind: kindOf(change, direction), words }];
}

function findValues(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	if (!was.values && !is.values) return [];
	if (!was.values || !is.values) {
		const change = { isNarrower: is.values !== null, isWider: is.values === null };
		const words = is.values ? `has to be one of ${list(is.values)} now` : 'may have any value now';
		return [{ kind: kindOf(change, direction), words: `${subject} ${words}.` }];
	}
	const [before, after] = [new Set(was.values), new Set(is.values)];
	return findGoneAndFresh(
		was.values.filter((value) => !after.has(value)),
		is.values.filter((value) => !before.has(value)),
		direction,
		subject
	);
}

function findGoneAndFresh(gone: string[], fresh: string[], direction: Direction, subject: string): Finding[] {
	const isRequest = direction === 'request';
	const findings: Finding[] = [];
	if (gone.length > 0)
		findings.push({
			kind: isRequest ? 'breaking' : 'removed',
			words: `${subject} can no longer be ${list(gone)}.`
		});
	if (fresh.length > 0)
		findings.push({
			kind: isRequest ? 'added' : 'breaking',
			words: `${subject} can also be ${list(fresh)}.`
		});
	return findings;
}

/** Whoever leaves it out sends something else than before. */
function findDefault(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	if (was.default === is.default || direction === 'answer') return [];
	const isBreaking = was.default !== undefined && is.default !== undefined;
	const sayDefault = (value: string | undefined) => (value === undefined ? 'none' : `“${sayValue(value)}”`);
	const words = `the default of ${subject} changed from ${sayDefault(was.default)} to ${sayDefault(is.default)}.`;
	return [{ kind: isBreaking ? 'breaking' : 'changed', words }];
}

function findBounds(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const findings: Finding[] = [];
	const add = (name: string, difference: number, from: string, to: string) => {
		const change = name.startsWith('min')
			? { isNarrower: difference > 0, isWider: difference < 0 }
			: { isNarrower: difference < 0, isWider: difference > 0 };
		findings.push({
			kind: kindOf(change, direction),
			words: `“${name}” of ${subject} changed from ${from} to ${to}.`
		});
	};
	for (const name of new Set([...was.bounds.keys(), ...is.bounds.keys()])) {
		const [before, after] = [was.bounds.get(name), is.bounds.get(name)];
		if (before === after) continue;
		const none = name.startsWith('min') ? -Infinity : Infinity;
		add(name, (after ?? none) - (before ?? none), String(before ?? 'none'), String(after ?? 'none'));
	}
	const ends = [
		['minimum', was.lower, is.lower, 1, 'more than'],
		['maximum', was.upper, is.upper, -1, 'less than']
	] as const;
	for (const [name, before, after, way, beyond] of ends) {
		const [from, to] = [before, after].map((bound) => (bound ? reach(bound, way) : way * -Infinity));
		if (from === undefined || to === undefined || from === to) continue;
		const sayBound = (bound: Bound | null) =>
			bound ? `${bound.isExclusive ? `${beyond} ` : ''}${bound.value}` : 'none';
		add(name, to > from ? 1 : -1, sayBound(before), sayBound(after));
	}
	return findings;
}

const isMultiple = (value: number, factor: number) =>
	Math.abs(value / factor - Math.round(value / factor)) < 1e-9;

function findFactors(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	/** What is a multiple of all of the one is a multiple of all of the other. */
	const isKept = (factors: number[], others: number[]) =>
		others.every((other) => factors.some((factor) => isMultiple(factor, other)));
	const change = { isNarrower: !isKept(was.factors, is.factors), isWider: !isKept(is.factors, was.factors) };
	if (!change.isNarrower && !change.isWider) return [];
	const [from, to] = [was.factors, is.factors].map((factors) => factors.join(' and ') || 'none');
	const words = `“multipleOf” of ${subject} changed from ${from} to ${to}.`;
	return [{ kind: kindOf(change, direction), words }];
}

function findConditions(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const findings: Finding[] = [];
	for (const keyword of new Set([...was.conditions.keys(), ...is.conditions.keys()])) {
		const before = was.conditions.get(keyword) ?? new Set();
		const after = is.conditions.get(keyword) ?? new Set();
		const change = { isNarrower: !after.isSubsetOf(before), isWider: !before.isSubsetOf(after) };
		if (!change.isNarrower && !change.isWider) continue;
		const words = before.size === 0 ? 'is new' : after.size === 0 ? 'was removed' : 'changed';
		findings.push({ kind: kindOf(change, direction), words: `“${keyword}” of ${subject} ${words}.` });
	}
	return findings;
}

function findNames(was: Shape, is: Shape, direction: Direction, of: Subject): Finding[] {
	const isRequest = direction === 'request';
	const findings: Finding[] = [];
	if (was.isOpen !== is.isOpen) {
		const [verb, names] = [
			isRequest ? 'takes' : 'has',
			is.isOpen ? 'other names too' : 'nothing else than its own names'
		];
		const kind = kindOf({ isNarrower: !is.isOpen, isWider: is.isOpen }, direction);
		findings.push({ kind, words: `${say(of)} ${verb} ${names} now.` });
	}
	for (const name of was.properties.keys()) {
		const subject = say(member(of, name));
		if (!is.properties.has(name)) {
			const kind: FindingKind = isRequest && is.isOpen ? 'removed' : 'breaking';
			findings.push({ kind, words: `${subject} was removed.` });
		}
	}
	for (const name of is.properties.keys()) {
		if (was.properties.has(name)) continue;
		const isDemanded = isRequest && is.required.has(name);
		const words = `${say(member(of, name))} is new${isDemanded ? ' and required' : ''}.`;
		findings.push({ kind: isDemanded ? 'breaking' : 'added', words });
	}
	// Also of names that are described nowhere.
	for (const name of new Set([...was.required, ...is.required])) {
		const [before, after] = [was.required.has(name), is.required.has(name)];
		if (before === after || was.properties.has(name) !== is.properties.has(name)) continue;
		const words = isRequest
			? after
				? 'is required now'
				: 'is optional now'
			: after
				? 'is always there now'
				: 'may be missing now';
		const kind = kindOf({ isNarrower: after, isWider: before }, direction);
		findings.push({ kind, words: `${say(member(of, name))} ${words}.` });
	}
	return findings;
}

/** Where there are choices in one version alone. */
function findGroups(was: Shape, is: Shape, direction: Direction, subject: string): Finding[] {
	const difference = is.choices.length - was.choices.length;
	if (difference === 0) return [];
	const kind = kindOf({ isNarrower: difference > 0, isWider: difference < 0 }, direction);
	return [
		{ kind, words: `${subject} is ${difference > 0 ? 'one of several now' : 'no longer one of several'}.` }
	];
}

export function findChoices({ gone, fresh }: Pairs, direction: Direction, subject: string): Finding[] {
	const quoted = (names: string[]) => names.map((name) => JSON.stringify(name));
	return findGoneAndFresh(quoted(gone), quoted(fresh), direction, subject);
}
