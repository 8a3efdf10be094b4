import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import lockfile from 'proper-lockfile';
import type { NodeHandler } from './app.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
const sources = ['routes', 'lib', 'svelte.config.js', 'vite.config.ts', 'package-lock.json'];

function newest(file: string): number {
	const stat = statSync(file, { throwIfNoEntry: false });
	if (!stat) return 0;
	if (!stat.isDirectory()) return stat.mtimeMs;
	return Math.max(0, ...readdirSync(file).map((name) => newest(path.join(file, name))));
}

const built = path.join(root, 'build', 'handler.js');

/**
 * Builds the pages when they are missing or older than their sources.
 * @throws {Error} when the build fails.
 */
export async function buildPages(): Promise<void> {
	const isStale = () => sources.some((source) => newest(path.join(root, source)) > newest(built));
	// An image may hold the build without what makes it.
	if (!existsSync(vite) || !isStale()) return;
	// Two processes that start at once would write into each other's build: the second waits for the first.
	const release = await lockfile.lock(root, {
		lockfilePath: path.join(root, '.building'),
		stale: 120_000,
		retries: { retries: 600, minTimeout: 500, maxTimeout: 500 }
	});
	try {
		if (isStale()) await build();
	} finally {
		await release();
	}
}

/**
 * SvelteKit's handler of the built pages, which are built first where they have to be.
 * @throws {Error} when the build fails.
 */
export async function openBuiltPages(): Promise<NodeHandler> {
	await buildPages();
	const { handler } = (await import(pathToFileURL(built).href)) as { handler: NodeHandler };
	return handler;
}

/** Beside the event loop: a process that is stuck for as long as this takes would lose its data folder. */
async function build(): Promise<void> {
	console.log('Building the pages, which takes some seconds …');
	const building = spawn(process.execPath, [vite, 'build'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
	let said = '';
	for (const stream of [building.stdout, building.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => (said += text));
	}
	const [status] = (await once(building, 'close')) as [number | null];
	if (status !== 0) throw new Error(`The pages could not be built.\n${said}`);
}

/** Vite's handler, with hot reload over the same server. */
export async function openDevelopmentPages(server: Server): Promise<NodeHandler> {
	const { createServer } = await import('vite');
	const vite = await createServer({
		root,
		server: { middlewareMode: true, hmr: { server } },
		appType: 'custom'
	});
	return (request, response, next) => vite.middlewares(request, response, next);
}
