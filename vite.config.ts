import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig, type Plugin } from 'vite';

const lib = `${import.meta.dirname}/lib/`;

const makers = new Set(['CallExpression', 'ObjectExpression', 'ArrayExpression']);

/**
 * What `lib/` makes beside its functions and types are tables and schemas: making one has no effect but itself. Bundlers
 * can't know that of a call, and would keep every schema that stands beside a word that a page reads, and all of Zod
 * with it. In the browser each such constant is marked as one that may go where nobody reads it, and so is a file of
 * which nothing is read.
 */
const unreadConstants: Plugin = {
	name: 'portico:unread-constants',
	enforce: 'post',
	applyToEnvironment: ({ name }) => name === 'client',
	transform(code, id) {
		if (!id.startsWith(lib) || !/^[^.]+\.ts$/.test(id.slice(lib.length))) return;
		const calls = this.parse(code).body.flatMap((statement) => {
			const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
			if (declared?.type !== 'VariableDeclaration') return [];
			return declared.declarations.flatMap(({ id, init }) =>
				init && id.type === 'Identifier' && makers.has(init.type) ? [init] : []
			);
		});
		for (const { start, end } of calls.toReversed()) {
			code = `${code.slice(0, start)}/* @__PURE__ */ (() => (${code.slice(start, end)}))()${code.slice(end)}`;
		}
		return { code, map: null, moduleSideEffects: false };
	}
};

/** What every page loads first, with all that it needs itself: one file packs better than thirty. */
const everywhere = /\/(?:routes\/\+layout|lib\/components\/(?:Logo|Title))\.svelte/;

export default defineConfig({
	plugins: [tailwindcss(), sveltekit(), unreadConstants],
	environments: {
		client: {
			build: {
				rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'everywhere', test: everywhere }] } } }
			}
		}
	}
});
