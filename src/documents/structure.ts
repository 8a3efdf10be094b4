import { validate } from '@scalar/openapi-validator';
import type { PlacedFault } from './references.ts';
import { excerpt, stepsOf } from './values.ts';

/** What is not as the specification has it, in words for those who write documents. */

interface Told {
	message: string;
	path: string[];
}

export async function findStructureFaults(value: unknown, max: number): Promise<PlacedFault[]> {
	const { valid, errors } = await validate(value as Record<string, unknown>);
	if (valid) return [];
	const told = (errors ?? []).map(({ message, path }): Told => {
		const steps = typeof path === 'string' ? stepsOf(path) : (path ?? []);
		return { message, path: (steps ?? []) as string[] };
	});
	const faults = innermost(told).slice(0, max).map(sayFault);
	return faults.length > 0 ? faults : [{ path: [], message: 'This is no valid OpenAPI document.' }];
}

const unexpected = /^Property (.*) is not expected to be here$/s;
/** That one of several forms fits nowhere says less than what is wrong in it. */
const follows = /^(?:not must NOT be valid|(?:oneOf|anyOf|if) must )/;

/** Where something is wrong within a thing, the library calls the things around it unexpected, too. */
function innermost(told: Told[]): Told[] {
	const causes = told.filter(({ message }) => !unexpected.test(message) && !follows.test(message));
	/** As texts, each with what it stands in. */
	const around = new Set<string>();
	for (const { path } of causes)
		for (let length = 0; length < path.length; length += 1) around.add(JSON.stringify(path.slice(0, length)));
	const at = new Set(causes.map(({ path }) => JSON.stringify(path)));
	return told.filter(({ message, path }) => {
		const place = JSON.stringify(path);
		if (follows.test(message)) return !around.has(place) && !at.has(place);
		return !unexpected.test(message) || !around.has(place);
	});
}

const things: Record<string, [one: string, several: string]> = {
	items: ['entry', 'entries'],
	properties: ['name', 'names'],
	characters: ['character', 'characters']
};

/** The words of the library are for those who know JSON Schema. */
function sayFault({ message, path }: Told): PlacedFault {
	const holder = path.findLast((step) => !/^\d+$/.test(step));
	const name = holder === undefined ? 'This' : `“${excerpt(holder)}”`;
	const [, unknown] = unexpected.exec(message) ?? [];
	if (unknown !== undefined)
		return { path: [...path, unknown], message: `OpenAPI knows no “${excerpt(unknown)}” here.` };
	const [, missing] = /^must have required property '(.*)'$/s.exec(message) ?? [];
	if (missing !== undefined) return { path, message: `“${excerpt(missing)}” is missing here.` };
	const [, choices] = /^must be equal to one of the allowed values: (.*)$/s.exec(message) ?? [];
	if (choices !== undefined) return { path, message: `This has to be one of: ${excerpt(choices, 120)}.` };
	const [, type = ''] =
		/^(?:type )?must be (object|array|string|boolean|integer|number)$/.exec(message) ?? [];
	if (type) return { path, message: `This has to be ${typeWords[type]}.` };
	const [, format = ''] = /^format must match format "(.*)"$/i.exec(message) ?? [];
	if (format) return { path, message: `This is not written as “${excerpt(format)}” has to be.` };
	const [, than = '', count = '', what = ''] =
		/must NOT have (fewer|more) than (\d+) (items|properties|characters)$/.exec(message) ?? [];
	const [one, several] = things[what] ?? [];
	if (one && several) {
		const verb = than === 'fewer' ? 'needs at least' : 'can have at most';
		return { path, message: `${name} ${verb} ${count} ${count === '1' ? one : several}.` };
	}
	if (/must NOT have duplicate items/.test(message))
		return { path, message: `${name} has the same entry twice.` };
	const [, bound = '', end = ''] = /must be ([<>]=?) (-?[\d.]+)$/.exec(message) ?? [];
	if (bound) return { path, message: `${name} has to be ${boundWords[bound]} ${end}.` };
	const words = excerpt(message.replace(/\.$/, ''), 160);
	return { path, message: `${words.charAt(0).toUpperCase()}${words.slice(1)}.` };
}

const boundWords: Record<string, string> = {
	'>=': 'at least',
	'>': 'more than',
	'<=': 'at most',
	'<': 'less than'
};

const typeWords: Record<string, string> = {
	object: 'an object, with names and values',
	array: 'a list',
	string: 'a text',
	boolean: 'true or false',
	integer: 'a whole number',
	number: 'a number'
};
