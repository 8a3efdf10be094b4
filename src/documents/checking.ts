import { maxServers, type DocumentFacts } from '#lib/documents.ts';
import { operationsOf } from './operations.ts';
import { faultAt, parse, Unreadable, type Parsed } from './parsing.ts';
import { findReferenceFaults, type PlacedFault } from './references.ts';
import { originsOf, unreachedOf } from './servers.ts';
import { findStructureFaults } from './structure.ts';
import { at, excerpt, isMembers, textOf, type Path } from './values.ts';

/** Whether a document is OpenAPI, and what it says of itself. */

/** Whoever mends these and uploads again is told the next ones. */
const maxFaults = 20;

export interface CheckedDocument {
	facts: DocumentFacts;
	/** The servers that can’t be tried from its pages, as a document writes them. */
	unreached: string[];
	value: unknown;
}

/** @throws {Unreadable} with what is wrong and where. */
export async function check(text: string, fileName: string): Promise<CheckedDocument> {
	const parsed = parse(text, fileName);
	const specVersion = readVersion(text, parsed);
	const faults = findReferenceFaults(parsed.value, maxFaults);
	if (faults.length === 0) faults.push(...(await findStructureFaults(parsed.value, maxFaults)));
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
		unreached: unreachedOf(value)
			.slice(0, maxServers)
			.map((address) => excerpt(address, 100)),
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
