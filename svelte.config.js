import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import adapter from '@sveltejs/adapter-node';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/**
 * What the pages are made of, in a few letters. The same sources make the same files under the same names, whoever
 * builds them: of several hosts behind one address, each has what a page of another asks for.
 */
function fingerprint() {
	const root = import.meta.dirname;
	const folders = ['routes', 'lib'].flatMap((folder) =>
		readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map(({ parentPath, name }) => path.relative(root, path.join(parentPath, name)))
	);
	const hash = createHash('sha256');
	for (const file of [...folders.sort(), 'package-lock.json', 'svelte.config.js', 'vite.config.ts']) {
		hash.update(`${file}\0`).update(readFileSync(path.join(root, file)));
	}
	return hash.digest('hex').slice(0, 16);
}

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	kit: {
		adapter: adapter({ out: 'build' }),
		files: {
			src: 'routes',
			routes: 'routes',
			lib: 'lib',
			appTemplate: 'routes/app.html',
			errorTemplate: 'routes/error.html',
			assets: 'routes/static',
			hooks: {
				server: 'routes/hooks.server',
				client: 'routes/hooks.client',
				universal: 'routes/hooks'
			}
		},
		// The outer server refuses every unsafe request without the exact Origin, for all content types.
		csrf: { trustedOrigins: ['*'] },
		csp: {
			mode: 'nonce',
			directives: {
				'default-src': ['self'],
				'script-src': ['self'],
				'style-src': ['self', 'unsafe-inline'],
				'img-src': ['self', 'data:'],
				'font-src': ['self'],
				'connect-src': ['self'],
				'frame-src': ['self'],
				'frame-ancestors': ['none'],
				'form-action': ['self'],
				'base-uri': ['none'],
				'object-src': ['none']
			}
		},
		version: { name: fingerprint(), pollInterval: 0 }
	}
};
