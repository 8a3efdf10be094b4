import { validate } from '@scalar/openapi-validator';
import type { DocumentFacts } from '#lib/documents.ts';
import { operationsOf } from './operations.ts';
import { faultAt, parse, Unreadable, type Parsed } from './parsing.ts';
import { findReferenceFaults, type PlacedFault } from './references.ts';
import { originsOf } from './servers.ts';
import { at, excerpt, isMembers, stepsOf, textOf, type Path } from './values.ts';

/** Whether a document is OpenAPI, and what it says of itself. */

/** Whoever mends these and uploads again is told the next ones. */
const maxFaults = 20;

export interface Checked {
	facts: DocumentFacts;
	value: unknown;
}

/** @throws {Unreadable} with what is wrong and where. */
export async function check(text: string, fileName: string): Promise<Checked> {
	const parsed = parse(text, fileName);
	const specVersion = readVersion(text, parsed);
	const faults = findReferenceFaults(parsed.value, maxFaults);
	if (faults.length === 0) faults.push(...(await findStructureFaults(parsed.value)));
	if (faults.length > 0) throw unreadable(text, parsed, faults);
	const { value, format } = parsed;
	return {
		facts: {
			format,
			specVersion,
			title: excerpt(textOf(at(value, 'info', 'title')), 200),
			apiVersion: excerpt(textOf(at(value, 'info', 'version')), 100),
			servers: originsOf(value),
			operations: operationsOf(value).length
		},
		value
	};
}

function unreadable(text: string, { offsetOf }: Parsed, faults: PlacedFault[]) {
	const placed = faults.map(({ path, message }) => faultAt(text, offsetOf(path), message));
	return new Unreadable(placed.toSorted((a, b) => a.line - b.line || a.column - b.column));
}

/** @throws {Unreadable} when it is no version that is known here. */
function readVersion(text: string, parsed: Parsed): string {
	const { value } = parsed;
	const refuse = (path: Path, message: string) => unreadable(text, parsed, [{ path, message }]);
	const beginning = 'An OpenAPI document says so at its top: “openapi: 3.1.0”, or “swagger: "2.0"”.';
	if (!isMembers(value)) throw refuse([], beginning);
	const name = at(value, 'openapi') === undefined ? 'swagger' : 'openapi';
	const version = at(value, name);
	if (version === undefined) throw refuse([], beginning);
	if (typeof version !== 'string') throw refuse([name], 'The version has to stand in quotes, as a text.');
	const isKnown = name === 'swagger' ? version === '2.0' : /^3\.[01]\.\d{1,3}$/.test(version);
	if (!isKnown) throw refuse([name], `Version “${excerpt(version)}” is none of 2.0, 3.0.x and 3.1.x.`);
	return version;
}

async function findStructureFaults(value: unknown): Promise<PlacedFault[]> {
	const { valid, errors } = await validate(value as Record<string, unknown>);
	if (valid) return [];
	const faults = (errors ?? []).slice(0, maxFaults).map(({ message, path }): PlacedFault => {
		const steps = typeof path === 'string' ? stepsOf(path) : (path ?? []);
		return sayFault(message, (steps ?? []) as string[]);
	});
	return faults.length > 0 ? faults : [{ path: [], message: 'This is no valid OpenAPI document.' }];
}

/** The words of the library are for those who know JSON Schema. */
function sayFault(message: string, path: string[]): PlacedFault {
	const [, unknown] = /^Property (.*) is not expected to be here$/s.exec(message) ?? [];
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
	const words = excerpt(message.replace(/\.$/, ''), 160);
	return { path, message: `${words.charAt(0).toUpperCase()}${words.slice(1)}.` };
}

const typeWords: Record<string, string> = {
	object: 'an object, with names and values',
	array: 'a list',
	string: 'a text',
	boolean: 'true or false',
	integer: 'a whole number',
	number: 'a number'
};
