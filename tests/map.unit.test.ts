import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The README's map is how a newcomer finds a file: one that isn't on it is found by nobody. */

const root = new URL('..', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');
const map = /## The map\n\n```\n(.+?)\n```/s.exec(readme)?.[1] ?? '';

/** What the map says of a folder: from its name to the next entry that stands as far left or further. */
function entryOf(name: string, within = map): string {
	const lines = within.split('\n');
	const start = lines.findIndex((line) => line.trimStart().startsWith(`${name}/ `));
	if (start < 0) return '';
	const indentOf = (line: string) => line.search(/\S/);
	const indent = indentOf(lines[start] ?? '');
	const length = lines.slice(start + 1).findIndex((line) => indentOf(line) <= indent);
	return lines.slice(start, length < 0 ? undefined : start + 1 + length).join('\n');
}

const namesIn = (folder: string) =>
	readdirSync(new URL(folder, root), { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'));
const rooms = namesIn('src').filter((entry) => entry.isDirectory());
/** Files of one kind, which are told of together. */
const together = /-tables$/;

/** Files of code in this folder that the entry doesn't name. */
function missingOf(entry: string, folder: string, ...known: string[]): string[] {
	return namesIn(folder)
		.filter((one) => one.isFile() && /^[\w-][^+]*(?<!\.d)\.ts$/.test(one.name))
		.map(({ name }) => name.replace(/(\.(?:svelte|server|client))?\.ts$/, ''))
		.filter((name) => !known.includes(name) && !together.test(name))
		.filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(entry));
}

test.each(['src', 'lib', ...rooms.map(({ name }) => `src/${name}`)])(
	'every file of %s stands on the map',
	(folder) => {
		const entry = entryOf(folder.split('/').at(-1) ?? '');
		expect(entry).not.toBe('');
		expect(missingOf(entry, folder)).toEqual([]);
	}
);

/** The file of a noun's own name goes without saying. */
const nouns = namesIn('src/procedures').filter(({ name }) =>
	namesIn(`src/procedures/${name}`).some((one) => one.name !== `${name}.ts`)
);

test.each(nouns.map(({ name }) => name))('every file of src/procedures/%s stands on the map', (noun) => {
	expect(missingOf(entryOf(noun, entryOf('procedures')), `src/procedures/${noun}`, noun)).toEqual([]);
});

test.each(['lib/browser', 'routes'])('every file of %s stands on the map', (folder) => {
	expect(missingOf(entryOf(folder.split('/').at(-1) ?? ''), folder)).toEqual([]);
});

test('every folder and file that the map names is there', () => {
	const files = map.match(/(?<=^|[\s(])[\w-]+(?:\.\w+)*\.ts\b/gm) ?? [];
	const within = ['src', 'lib', 'routes', 'emails'].flatMap((folder) =>
		readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
	);
	const known = [...within, ...readdirSync(root)].map((path) => path.split('/').at(-1));
	expect(files.filter((name) => !known.includes(name))).toEqual([]);
	const folders = [...map.matchAll(/^ *([\w-]+)\/ /gm)].map(([, name]) => name);
	expect(folders).toContain('live');
	expect(folders.filter((name) => !known.includes(name))).toEqual([]);
});
