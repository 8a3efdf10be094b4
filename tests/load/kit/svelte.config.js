import adapter from '@sveltejs/adapter-node';

/** A bare page of SvelteKit, beside which Portico's rendered pages are measured: see ../rivals.ts. */
export default {
	kit: {
		adapter: adapter({ out: 'build', precompress: false }),
		files: { appTemplate: 'app.html', routes: 'routes' }
	}
};
