import { parse } from 'yaml';

/** Documents with one operation, to say what changes from one to the next. */

export const none = { breaking: [], removed: [], added: [], changed: [], more: 0 };

/** A document in which one thing is as given: what is sent, what comes back, or all of an operation. */
export const withOperation = (operation: string, rest = '') =>
	parse(`openapi: 3.1.0
info: { title: T, version: "1" }
paths:
  /pets:
    post: ${operation}
${rest}`);
export const sending = (schema: string, rest = '') =>
	withOperation(
		`{ requestBody: { content: { application/json: { schema: ${schema} } } }, responses: { 204: { description: d } } }`,
		rest
	);
export const answering = (schema: string, rest = '') =>
	withOperation(
		`{ responses: { 200: { description: d, content: { application/json: { schema: ${schema} } } } } }`,
		rest
	);
export const parameters = (...list: string[]) =>
	withOperation(`{ parameters: [${list.join(', ')}], responses: {} }`);
export const object = (properties: string, more = '') =>
	`{ type: object, properties: { ${properties} } ${more} }`;
