import js from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default defineConfig(
	{ ignores: ['**/build/', '**/.svelte-kit/', '**/node_modules/', 'data/', 'data-demo/'] },
	js.configs.recommended,
	ts.configs.recommended,
	svelte.configs.recommended,
	{
		// A pattern that takes the square of a text's length keeps everybody waiting for whoever sent the text.
		plugins: { regexp },
		rules: {
			'regexp/no-super-linear-backtracking': 'error',
			'regexp/no-super-linear-move': 'error'
		}
	},
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			'no-undef': 'off',
			'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
			'svelte/no-navigation-without-resolve': 'off',
			// Sets and maps that nothing on a page has to react to stay plain ones.
			'svelte/prefer-svelte-reactivity': 'off',
			// There are no stores here, for which it asks the type of every expression: nine tenths of the whole time.
			'svelte/require-store-reactive-access': 'off',
			// Asks the types of every component, eight tenths of what is left, for a property that is declared and not read.
			'svelte/no-unused-props': 'off',
			'no-restricted-imports': ['error', { paths: ['svelte/store'] }]
		}
	},
	{
		// A browser's clock may be wrong by weeks: what has a date on the server is compared with the server's time.
		files: ['routes/**', 'lib/**'],
		ignores: ['lib/browser/server-time.ts', 'routes/**/*.server.ts', 'routes/links.ts'],
		rules: {
			'no-restricted-syntax': [
				'error',
				...[
					'CallExpression[callee.object.name="Date"][callee.property.name="now"]',
					':matches(NewExpression[callee.name="Date"], CallExpression[callee.name="Date"])[arguments.length=0]'
				].map((selector) => ({
					selector,
					message: 'Ask serverNow() of lib/browser/server-time.ts, or useNow().'
				}))
			]
		}
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: {
			parserOptions: {
				extraFileExtensions: ['.svelte'],
				parser: ts.parser,
				svelteConfig
			}
		}
	}
);
