import adapter from '@sveltejs/adapter-node';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

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
		version: { pollInterval: 0 }
	}
};
