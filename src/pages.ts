import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import lockfile from 'proper-lockfile';
import type { NodeHandler } from './app.ts';

const root = path.resolve(import.meta.dirname, '..');
const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
const sources = ['routes', 'lib', 'svelte.config.js', 'vite.config.ts', 'package-lock.json'];

function newest(file: string): number {
	const stat = statSync(file, { throwIfNoEntry: false });
	if (!stat) return 0;
	if (!stat.isDirectory()) return stat.mtimeMs;
	return Math.max(0, ...readdirSync(file).map((name) => newest(path.join(file, name))));
}

/**
 * SvelteKit's handler of the built pages; builds them first when they are missing or older than their sources.
 * @throws {Error} when the build fails.
 */
export async function openBuiltPages(): Promise<NodeHandler> {
	const built = path.join(root, 'build', 'handler.js');
	const isStale = () => sources.some((source) => newest(path.join(root, source)) > newest(built));
	// An image may hold the build without what makes it.
	if (existsSync(vite) && isStale()) {
		// Two processes that start at once would write into each other's build: the second waits for the first.
		const release = await lockfile.lock(root, {
			lockfilePath: path.join(root, '.building'),
			stale: 120_000,
			retries: { retries: 600, minTimeout: 500, maxTimeout: 500 }
		});
		try {
			if (isStale()) build();
		} finally {
			await release();
		}
	}
	const { handler } = (await import(pathToFileURL(built).href)) as { handler: NodeHandler };
	return handler;
}

function build(): void {
	console.log('Building the pages, which takes some seconds …');
	const { status, stdout, stderr } = spawnSync(process.execPath, [vite, 'build'], {
		cwd: root,
		encoding: 'utf8'
	});
	if (status !== 0) throw new Error(`The pages could not be built.\n${stdout}\n${stderr}`);
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
