import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildPages } from '../../src/http/pages.ts';
import type { Row } from './rows.ts';
import { runParts } from './run.ts';

/**
 * `npm run bench:weights [FILE]`: how much JavaScript the first visit of a page loads before it works, from the pages as
 * they were built; it builds them where they aren't. What it asks for once it works is not counted: the socket's client at once, the rest when it has time.
 */

const output = path.resolve(import.meta.dirname, '..', '..', '.svelte-kit', 'output');

/**
 * The most that a page may load before it works, in bytes after gzip: a few hundred above what it does, since machines
 * pack the same file a little differently.
 */
export const budgets: Record<string, number> = {
	'/login': 56_400,
	'/invitations': 63_000,
	'/orgs/[slug]': 98_500,
	'/orgs/[slug]/users': 102_400,
	'/admin': 130_000
};

interface Chunk {
	file: string;
	imports?: string[];
	dynamicImports?: string[];
}

interface Manifest {
	_: {
		client: { imports: string[] };
		nodes: (() => Promise<{ imports: string[] }>)[];
		routes: { id: string; page: { layouts: number[]; leaf: number } | null }[];
	};
}

export interface Weight {
	route: string;
	files: string[];
	/** In bytes: as the browser runs it, and after gzip. */
	plain: number;
	gzip: number;
}

/** The files of a first visit by page: what its document preloads and all that those files import. */
export async function weighPages(): Promise<Weight[]> {
	const load = async (file: string) => (await import(pathToFileURL(path.join(output, file)).href)) as unknown;
	const { manifest } = (await load('server/manifest-full.js')) as { manifest: Manifest };
	const chunks = JSON.parse(
		await readFile(path.join(output, 'client/.vite/manifest.json'), 'utf8')
	) as Record<string, Chunk>;
	const chunkOf = new Map(Object.values(chunks).map((chunk) => [chunk.file, chunk]));

	const sizes = new Map<string, { plain: number; gzip: number }>();
	async function sizeOf(file: string) {
		const known = sizes.get(file);
		if (known) return known;
		const text = await readFile(path.join(output, 'client', file));
		const size = { plain: text.length, gzip: gzipSync(text, { level: 9 }).length };
		sizes.set(file, size);
		return size;
	}

	const { client, nodes, routes } = manifest._;
	const weights: Weight[] = [];
	for (const { id: route, page } of routes) {
		if (!page) continue;
		const parts = [...page.layouts, page.leaf].map((index) => nodes[index]?.());
		const preloaded = [
			...client.imports,
			...(await Promise.all(parts)).flatMap((part) => part?.imports ?? [])
		];
		const files = new Set<string>();
		const add = (file: string) => {
			if (files.has(file) || !file.endsWith('.js')) return;
			files.add(file);
			for (const key of chunkOf.get(file)?.imports ?? []) add(chunks[key]?.file ?? '');
		};
		preloaded.forEach(add);
		const each = await Promise.all([...files].map(sizeOf));
		const sum = (of: 'plain' | 'gzip') => each.reduce((total, size) => total + size[of], 0);
		weights.push({ route, files: [...files], plain: sum('plain'), gzip: sum('gzip') });
	}
	return weights;
}

/** What is aimed at, in kB. */
const targets: Record<string, number> = {
	'/login': 45,
	'/invitations': 50,
	'/orgs/[slug]': 90,
	'/orgs/[slug]/users': 100,
	'/admin': 130
};

export async function* measureWeights(): AsyncGenerator<Row> {
	await buildPages();
	for (const { route, plain, gzip } of await weighPages()) {
		const [budget, target] = [budgets[route], targets[route]];
		const notes = [`${(plain / 1000).toFixed(1)} as it runs`];
		if (budget) notes.push(`budget ${(budget / 1000).toFixed(1)}`);
		yield {
			part: 'JavaScript of a page, gzip',
			name: route,
			unit: 'kB',
			portico: gzip / 1000,
			...(target && { targets: [{ of: 'figure', most: target }] }),
			note: notes.join(', ')
		};
	}
}

if (import.meta.main) await runParts({ weights: measureWeights }, process.argv[2]);
