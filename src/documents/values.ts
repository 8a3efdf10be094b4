/** A value of a document, of which nothing is known yet. Only its own members are looked at: names are typed by others. */

export type Path = readonly (string | number)[];
export type Members = Record<string, unknown>;

export const isMembers = (value: unknown): value is Members =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** What stands at the path; undefined where nothing does. */
export function at(value: unknown, ...path: Path): unknown {
	let here = value;
	for (const step of path) {
		if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
		here = (here as Members)[step];
	}
	return here;
}

export function membersOf(value: unknown): [name: string, value: unknown][] {
	return isMembers(value) ? Object.entries(value) : [];
}

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export function textOf(value: unknown): string {
	return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** What would move the words around it, or can't be seen. */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g;

/** A word of a document within a sentence: short, on one line. */
export function excerpt(word: string, max = 60): string {
	const line = word
		.slice(0, max * 4)
		.replace(unseen, ' ')
		.trim();
	return line.length > max ? `${line.slice(0, max - 1).toWellFormed()}…` : line.toWellFormed();
}

/** The steps of a JSON Pointer (RFC 6901); null where it is none. */
export function stepsOf(pointer: string): string[] | null {
	if (pointer === '') return [];
	if (!pointer.startsWith('/')) return null;
	return pointer
		.slice(1)
		.split('/')
		.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The path that a reference within the document names; null where it leads elsewhere or can't be read. */
export function pathOfReference(reference: string): string[] | null {
	if (!reference.startsWith('#')) return null;
	try {
		return stepsOf(decodeURIComponent(reference.slice(1)));
	} catch {
		return null;
	}
}
