import { tidy } from './words.ts';

/** What a line says of a person. */
export type Person = {
	firstName: string;
	lastName: string;
	email: string;
	/** As it stood there. */
	role: string;
	/** As it stood there, of a column about that. */
	status: string;
	/** Why nobody should write to them. */
	reason: string | null;
};

export const nobody: Person = { firstName: '', lastName: '', email: '', role: '', status: '', reason: null };

/** What stands between a given name and a surname and belongs to the surname. */
const particles = new Set(
	`van von vom zu zum zur de den der del della delle di da dal do dos das du des la las le les los ten ter te op het 't
	bin ibn al el af av bint ben mac san santa st. abu`.split(/\s+/)
);
const endings = new Set(['jr', 'jr.', 'sr', 'sr.', 'ii', 'iii', 'iv', 'phd', 'md']);

/** “Ana Maria Lind” or, as address books write it, “Lind, Ana Maria”. */
export function splitName(text: string): { firstName: string; lastName: string } {
	const name = tidy(text);
	const comma = name.indexOf(',');
	if (comma >= 0) {
		const [before, behind] = [name.slice(0, comma).trim(), name.slice(comma + 1).trim()];
		if (before && behind && !endings.has(behind.toLowerCase()))
			return { firstName: behind, lastName: before };
	}
	const words = name.replaceAll(',', '').split(' ');
	if (words.length < 2) return { firstName: words[0] ?? '', lastName: '' };
	let at = words.length - 1;
	while (at > 1 && endings.has((words[at] ?? '').toLowerCase())) at -= 1;
	// “Linus van den Berg”: from the first of the small words on.
	const small = words.findIndex((word, index) => index > 0 && index < at && particles.has(word));
	if (small > 0) at = small;
	return { firstName: words.slice(0, at).join(' '), lastName: words.slice(at).join(' ') };
}
