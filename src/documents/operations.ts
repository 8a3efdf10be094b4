import { readSecurity, type SecurityScheme } from './security.ts';
import { at, isMembers, listOf, membersOf, pathOfReference, textOf, type Members } from './values.ts';

/** The operations of a document of any version, in one form. */

/** Follows references within the document until something stands there. They have been checked: none leads nowhere. */
export function followReferences(root: unknown, value: unknown): Members {
	let here = value;
	// As many steps as nobody writes: a circle ends here too.
	for (let step = 0; step < 50; step += 1) {
		const reference = at(here, '$ref');
		if (typeof reference !== 'string') break;
		const path = pathOfReference(reference);
		here = path ? at(root, ...path) : undefined;
	}
	return isMembers(here) ? here : {};
}

export const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

export interface FoundOperation {
	/** "GET /pets/{id}", or "Webhook newPet" with its method. */
	name: string;
	/** The same for operations whose placeholders are named differently alone. */
	key: string;
	path: string;
	isWebhook: boolean;
	item: Members;
	operation: Members;
}

export function operationsOf(root: unknown): FoundOperation[] {
	return [...listOperations(root, 'paths'), ...listOperations(root, 'webhooks')];
}

function listOperations(root: unknown, place: 'paths' | 'webhooks'): FoundOperation[] {
	const isWebhook = place === 'webhooks';
	return membersOf(at(root, place)).flatMap(([path, value]) => {
		if (path.startsWith('x-')) return [];
		const item = followReferences(root, value);
		return methods.flatMap((method) => {
			const operation = at(item, method);
			if (!isMembers(operation)) return [];
			const verb = method.toUpperCase();
			const name = isWebhook ? `Webhook ${verb} ${path}` : `${verb} ${path}`;
			return [{ name, key: name.replace(/\{[^{}]*\}/g, '{}'), path, isWebhook, item, operation }];
		});
	});
}

export interface Parameter {
	name: string;
	/** "query", "header", "path", "cookie". */
	place: string;
	isRequired: boolean;
	isDeprecated: boolean;
	schema: unknown;
	/** How several values are written; two that differ are read differently. */
	style: string;
}

export interface OperationBody {
	isRequired: boolean;
	/** By media type. */
	contents: Map<string, unknown>;
}

export interface OperationAnswer {
	contents: Map<string, unknown>;
	headers: Map<string, unknown>;
}

export interface Operation {
	name: string;
	isWebhook: boolean;
	isDeprecated: boolean;
	parameters: Map<string, Parameter>;
	body: OperationBody | null;
	answers: Map<string, OperationAnswer>;
	security: SecurityScheme;
}

export function readOperations(root: unknown): Map<string, Operation> {
	const isOld = at(root, 'swagger') !== undefined;
	return new Map(operationsOf(root).map((found) => [found.key, readOperation(root, found, isOld)]));
}

function readOperation(root: unknown, found: FoundOperation, isOld: boolean): Operation {
	const { operation, item, name, isWebhook, path } = found;
	const given = [...listOf(item.parameters), ...listOf(operation.parameters)].map((one) =>
		followReferences(root, one)
	);
	const placeholders = [...path.matchAll(/\{([^{}]*)\}/g)].map(([, placeholder]) => placeholder);
	const parameters = new Map<string, Parameter>();
	for (const one of given) {
		const place = textOf(one.in);
		if (place === 'body' || place === 'formData') continue;
		const name = textOf(one.name);
		// A placeholder is known by where it stands: its name is nobody's but the document's.
		const known = place === 'path' ? String(placeholders.indexOf(name)) : name;
		const key = `${place} ${place === 'header' ? known.toLowerCase() : known}`;
		parameters.set(key, readParameter(one, name, place));
	}
	const answers = membersOf(operation.responses)
		.filter(([status]) => !status.startsWith('x-'))
		.map(([status, value]): [string, OperationAnswer] => {
			const answer = followReferences(root, value);
			const contents = isOld ? oldContents(root, operation, 'produces', answer.schema) : contentsOf(answer);
			const headers = membersOf(answer.headers).map(([name, header]): [string, unknown] => [
				name.toLowerCase(),
				schemaOf(followReferences(root, header))
			]);
			return [status.toUpperCase(), { contents, headers: new Map(headers) }];
		});
	return {
		name,
		isWebhook,
		isDeprecated: operation.deprecated === true,
		parameters,
		body: isOld ? readOldBody(root, operation, given) : readBody(root, operation),
		answers: new Map(answers),
		security: readSecurity(root, operation.security ?? at(root, 'security'))
	};
}

/** In 2.0 a parameter and a header are their own schema. */
function schemaOf(holder: Members): unknown {
	const [content] = membersOf(holder.content);
	return holder.schema ?? at(content?.[1], 'schema') ?? holder;
}

function readParameter(one: Members, name: string, place: string): Parameter {
	const style = textOf(one.style) || (place === 'query' || place === 'cookie' ? 'form' : 'simple');
	const isExploded = typeof one.explode === 'boolean' ? one.explode : style === 'form';
	return {
		name,
		place,
		isRequired: one.required === true || place === 'path',
		isDeprecated: one.deprecated === true,
		schema: schemaOf(one),
		style: textOf(one.collectionFormat) || `${style}${isExploded ? ', each by itself' : ''}`
	};
}

function contentsOf(holder: Members): Map<string, unknown> {
	return new Map(membersOf(holder.content).map(([type, media]) => [type.toLowerCase(), at(media, 'schema')]));
}

function readBody(root: unknown, operation: Members): OperationBody | null {
	if (operation.requestBody === undefined) return null;
	const body = followReferences(root, operation.requestBody);
	return { isRequired: body.required === true, contents: contentsOf(body) };
}

function readOldBody(root: unknown, operation: Members, given: Members[]): OperationBody | null {
	const body = given.find((one) => one.in === 'body');
	if (body) {
		const contents = oldContents(root, operation, 'consumes', body.schema);
		return { isRequired: body.required === true, contents };
	}
	const fields = given.filter((one) => one.in === 'formData');
	if (fields.length === 0) return null;
	const required = fields.filter((one) => one.required === true).map((one) => textOf(one.name));
	const properties = Object.fromEntries(
		fields.map((one) => [textOf(one.name), { ...one, required: undefined }])
	);
	const contents = oldContents(root, operation, 'consumes', { type: 'object', properties, required });
	return { isRequired: required.length > 0, contents };
}

function oldContents(
	root: unknown,
	operation: Members,
	name: 'consumes' | 'produces',
	schema: unknown
): Map<string, unknown> {
	if (schema === undefined) return new Map();
	const told = listOf(operation[name] ?? at(root, name)).map(textOf);
	const types = told.length > 0 ? told : ['application/json'];
	return new Map(types.map((type) => [type.toLowerCase(), schema]));
}
