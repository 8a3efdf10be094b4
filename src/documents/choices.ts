import { fingerprint } from './fingerprints.ts';
import { followReferences } from './operations.ts';
import { referredName, sayTypes, shapeOf, type Direction } from './schemas.ts';
import { textOf } from './values.ts';

/** What something may be one of, before and after: which of them are the same, whatever order they stand in. */

export interface Pairs {
	/** That are the same by name, or resemble each other: what differs within is found by comparing them. */
	pairs: [before: unknown, after: unknown][];
	/** How those are called that only one version has. */
	gone: string[];
	fresh: string[];
}

/** How many without a name are compared with each other. */
const maxCompared = 50;

interface Side {
	root: unknown;
	choices: unknown[];
}

export function pairChoices(before: Side, after: Side, direction: Direction): Pairs {
	const pairs: Pairs['pairs'] = [];
	let was = [...before.choices];
	const is = [...after.choices];
	/** Takes those out that have the same key on both sides. */
	const match = (keyOf: (root: unknown, choice: unknown) => string | null) => {
		const byKey = Map.groupBy(is, (choice) => keyOf(after.root, choice));
		was = was.filter((choice) => {
			const key = keyOf(before.root, choice);
			const other = key === null ? undefined : byKey.get(key)?.shift();
			if (other === undefined) return true;
			pairs.push([choice, other]);
			is.splice(is.indexOf(other), 1);
			return false;
		});
	};
	match((root, choice) => referredName(root, choice)?.key ?? null);
	match(fingerprint);
	match((root, choice) => textOf(followReferences(root, choice).title) || null);
	if (was.length <= maxCompared && is.length <= maxCompared) {
		was = was.filter((choice) => {
			const other = findNearest(before.root, choice, { root: after.root, choices: is }, direction);
			if (other === null) return true;
			pairs.push([choice, other]);
			is.splice(is.indexOf(other), 1);
			return false;
		});
	}
	const say = ({ root }: Side, choices: unknown[]) => choices.map((one) => labelOf(root, one, direction));
	return { pairs, gone: say(before, was), fresh: say(after, is) };
}

/** Of the same types, and with the most names in common. */
function findNearest(root: unknown, choice: unknown, among: Side, direction: Direction): unknown {
	const { types, properties } = shapeOf(root, choice, direction);
	let [nearest, most]: [unknown, number] = [null, -1];
	for (const other of among.choices) {
		if (referredName(root, choice) && referredName(among.root, other)) continue;
		const shape = shapeOf(among.root, other, direction);
		if (sayTypes(shape.types) !== sayTypes(types)) continue;
		const common = [...properties.keys()].filter((name) => shape.properties.has(name)).length;
		if (common === 0 && properties.size + shape.properties.size > 0) continue;
		if (common > most) [nearest, most] = [other, common];
	}
	return nearest;
}

function labelOf(root: unknown, choice: unknown, direction: Direction): string {
	const told = referredName(root, choice)?.name ?? textOf(followReferences(root, choice).title);
	if (told !== '') return told;
	const { types, properties } = shapeOf(root, choice, direction);
	const names = [...properties.keys()].slice(0, 3);
	return `${sayTypes(types)}${names.length > 0 ? ` with ${names.join(', ')}` : ''}`;
}
