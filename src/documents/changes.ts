import type { DocumentChanges } from '#lib/documents.ts';
import { Findings, type Finding, type FindingKind } from './findings.ts';
import {
	readOperations,
	type OperationAnswer,
	type OperationBody,
	type Operation,
	type Parameter
} from './operations.ts';
import type { Direction } from './schemas.ts';
import { compareSecurity } from './security.ts';
import { addressesOf } from './servers.ts';
import { SchemaChanges } from './schema-changes.ts';
import { excerpt } from './values.ts';

/**
 * What changed from one version of a document to the next, for whoever wrote a program for the former. It compares what
 * programs depend on: texts and examples may change unseen.
 */
export function findChanges(before: unknown, after: unknown): DocumentChanges {
	const findings = new Findings();
	const schemas = new SchemaChanges(before, after);
	const [was, is] = [readOperations(before), readOperations(after)];
	for (const [key, operation] of was) {
		const now = is.get(key);
		if (!now) {
			findings.add('', { kind: 'breaking', words: `${excerpt(operation.name, 120)} was removed.` });
			continue;
		}
		for (const finding of compareOperations(operation, now, schemas)) findings.add(now.name, finding);
	}
	for (const [key, { name }] of is)
		if (!was.has(key)) findings.add('', { kind: 'added', words: `${excerpt(name, 120)} is new.` });
	const [addressesBefore, addressesAfter] = [new Set(addressesOf(before)), new Set(addressesOf(after))];
	const addServers = (kind: FindingKind, addresses: ReadonlySet<string>, words: string) => {
		for (const address of addresses)
			findings.add('', { kind, words: `The server ${excerpt(address, 100)} ${words}.` });
	};
	addServers('breaking', addressesBefore.difference(addressesAfter), 'was removed');
	addServers('added', addressesAfter.difference(addressesBefore), 'is new');
	return findings.tell();
}

function compareOperations(was: Operation, is: Operation, schemas: SchemaChanges): Finding[] {
	// What the API sends of its own accord is read by those who otherwise send.
	const [sent, read]: Direction[] = is.isWebhook ? ['answer', 'request'] : ['request', 'answer'];
	const deprecation: Finding = { kind: 'changed', words: 'it is deprecated now.' };
	return [
		...(is.isDeprecated && !was.isDeprecated ? [deprecation] : []),
		...compareSecurity(was.security, is.security),
		...compareParameters(was.parameters, is.parameters, schemas),
		...compareBodies(was.body, is.body, schemas, sent ?? 'request'),
		...compareAnswers(was.answers, is.answers, schemas, read ?? 'answer')
	];
}

const nameOf = ({ place, name }: Parameter) => `the ${place} parameter “${excerpt(name)}”`;

function compareParameters(
	was: Operation['parameters'],
	is: Operation['parameters'],
	schemas: SchemaChanges
): Finding[] {
	const findings: Finding[] = [];
	for (const [key, parameter] of was) {
		const now = is.get(key);
		const add = (kind: FindingKind, words: string) =>
			findings.push({ kind, words: `${nameOf(now ?? parameter)} ${words}` });
		if (!now) {
			add('removed', 'was removed.');
			continue;
		}
		if (now.isRequired !== parameter.isRequired)
			add(now.isRequired ? 'breaking' : 'changed', now.isRequired ? 'is required now.' : 'is optional now.');
		if (now.isDeprecated && !parameter.isDeprecated) add('changed', 'is deprecated now.');
		if (now.style !== parameter.style && isList(now) && isList(parameter))
			add('breaking', 'is written in another way now.');
		findings.push(...schemas.find(parameter.schema, now.schema, 'request', nameOf(now)));
	}
	for (const [key, parameter] of is) {
		if (was.has(key)) continue;
		const { isRequired } = parameter;
		const words = `${nameOf(parameter)} is new${isRequired ? ' and required' : ''}.`;
		findings.push({ kind: isRequired ? 'breaking' : 'added', words });
	}
	return findings;
}

/** How a single value is written is the same in all styles. */
function isList({ schema }: Parameter): boolean {
	const { type } = (schema ?? {}) as { type?: unknown };
	return type === 'array' || type === 'object';
}

function compareContents(
	was: Map<string, unknown>,
	is: Map<string, unknown>,
	holder: string,
	compare: (before: unknown, after: unknown) => Finding[]
): Finding[] {
	const findings: Finding[] = [];
	for (const [type, schema] of was) {
		if (is.has(type)) findings.push(...compare(schema, is.get(type)));
		else findings.push({ kind: 'breaking', words: `${holder} is no longer ${excerpt(type)}.` });
	}
	for (const type of is.keys())
		if (!was.has(type)) findings.push({ kind: 'added', words: `${holder} can also be ${excerpt(type)}.` });
	return findings;
}

function compareBodies(
	was: OperationBody | null,
	is: OperationBody | null,
	schemas: SchemaChanges,
	direction: Direction
): Finding[] {
	if (!was && !is) return [];
	if (!was) {
		const isRequired = is?.isRequired ?? false;
		return [
			isRequired
				? { kind: 'breaking', words: 'a body is required now.' }
				: { kind: 'added', words: 'a body may be sent now.' }
		];
	}
	if (!is) return [{ kind: 'breaking', words: 'the body was removed.' }];
	const findings = compareContents(was.contents, is.contents, 'the body', (before, after) =>
		schemas.find(before, after, direction, 'the body')
	);
	if (was.isRequired === is.isRequired) return findings;
	const change: Finding = is.isRequired
		? { kind: 'breaking', words: 'the body is required now.' }
		: { kind: 'changed', words: 'the body is optional now.' };
	return [change, ...findings];
}

const isSuccess = (status: string) => /^2/.test(status);

function compareAnswers(
	was: Operation['answers'],
	is: Operation['answers'],
	schemas: SchemaChanges,
	direction: Direction
): Finding[] {
	const findings: Finding[] = [];
	for (const [status, answer] of was) {
		const holder = status === 'DEFAULT' ? 'any other answer' : `answer ${excerpt(status, 10)}`;
		const now = is.get(status);
		if (!now) {
			const kind: FindingKind = isSuccess(status) ? 'breaking' : 'removed';
			findings.push({ kind, words: `${holder} was removed.` });
			continue;
		}
		findings.push(...compareAnswer(answer, now, holder, schemas, direction));
	}
	for (const status of is.keys())
		if (!was.has(status)) findings.push({ kind: 'added', words: `answer ${excerpt(status, 10)} is new.` });
	return findings;
}

function compareAnswer(
	was: OperationAnswer,
	is: OperationAnswer,
	holder: string,
	schemas: SchemaChanges,
	direction: Direction
): Finding[] {
	const findings = compareContents(was.contents, is.contents, holder, (before, after) =>
		schemas.find(before, after, direction, holder)
	);
	for (const [name, schema] of was.headers) {
		const header = `the header “${excerpt(name)}” of ${holder}`;
		if (is.headers.has(name)) findings.push(...schemas.find(schema, is.headers.get(name), direction, header));
		else findings.push({ kind: 'breaking', words: `${header} was removed.` });
	}
	for (const name of is.headers.keys())
		if (!was.headers.has(name))
			findings.push({ kind: 'added', words: `the header “${excerpt(name)}” of ${holder} is new.` });
	return findings;
}
