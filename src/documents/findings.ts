import type { DocumentChanges } from '#lib/documents.ts';
import { excerpt } from './values.ts';

/** What was found to have changed, told once however many operations it concerns. */

export type FindingKind = 'breaking' | 'removed' | 'added' | 'changed';

export interface Finding {
	kind: FindingKind;
	/** Behind the names of the operations and a colon. */
	words: string;
}

/** How many sentences a version has at most, and how many operations one of them names. */
const maxSentences = 200;
const maxNamed = 3;

export class Findings {
	readonly #operations = new Map<string, { finding: Finding; names: Set<string> }>();

	add(operation: string, { kind, words }: Finding): void {
		const key = `${kind} ${words}`;
		const known = this.#operations.get(key) ?? { finding: { kind, words }, names: new Set() };
		known.names.add(operation);
		this.#operations.set(key, known);
	}

	/** The breaking ones first: where there is no room for all, they are told. */
	tell(): DocumentChanges {
		const changes: DocumentChanges = { breaking: [], removed: [], added: [], changed: [], more: 0 };
		const all = [...this.#operations.values()];
		let room = maxSentences;
		for (const kind of ['breaking', 'removed', 'added', 'changed'] as const) {
			const sentences = all
				.filter(({ finding }) => finding.kind === kind)
				.map(({ finding: { words }, names }) => sayWhere([...names], words));
			changes[kind] = sentences.slice(0, room);
			changes.more += sentences.length - changes[kind].length;
			room -= changes[kind].length;
		}
		return changes;
	}
}

function sayWhere(names: string[], words: string): string {
	const told = names.filter((name) => name !== '').map((name) => excerpt(name, 100));
	if (told.length === 0) return words.charAt(0).toUpperCase() + words.slice(1);
	const rest = told.length - maxNamed;
	const list = told.slice(0, maxNamed).join(', ');
	return `${list}${rest > 0 ? ` and ${rest} more` : ''}: ${words}`;
}
