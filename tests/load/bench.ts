import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCalls } from './calls.ts';
import { measureInvitations } from './invitations.ts';
import { measureLists } from './lists.ts';
import { runParts, withPostgres, type Part } from './run.ts';
import { measureWeights } from './weights.ts';

/**
 * `npm run bench [FILE]`: calls, lists, weights of pages and inviting many, one after the other on one PostgreSQL, as one
 * table; as JSON to FILE, or else to bench.json, which Git ignores. `--only calls,weights` takes parts, and writes to FILE alone.
 */
const parts = new Map<string, Part>([
	['calls', measureCalls],
	['lists', measureLists],
	['weights', measureWeights],
	['invitations', measureInvitations]
]);

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const wanted = values.only?.split(',') ?? [...parts.keys()];
const unknown = wanted.filter((name) => !parts.has(name));
if (unknown.length > 0) {
	console.error(`There is no part ${unknown.join(', ')}; there are ${[...parts.keys()].join(', ')}.`);
	process.exit(2);
}
// Some parts alone don't take the place of all figures.
const file =
	positionals[0] ??
	(values.only === undefined ? resolve(import.meta.dirname, '../../bench.json') : undefined);
const chosen = Object.fromEntries([...parts].filter(([name]) => wanted.includes(name)));
await withPostgres(() => runParts(chosen, file));
