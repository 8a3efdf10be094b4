import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The code of the project and what each file of it imports. */

/** By their paths from the root. */
export type Files = Map<string, string>;

export interface Import {
	from: string;
	to: string;
	isTypeOnly: boolean;
	isExport: boolean;
}

export const layers = ['migrations', 'lib', 'emails', 'src', 'routes'];

export const root = fileURLToPath(new URL('..', import.meta.url));

export function readFiles(): Files {
	const files: Files = new Map();
	for (const path of globSync(`{${layers.join(',')},tests}/**/*.{ts,svelte,mjml}`, {
		cwd: root,
		// What measuring installs and builds beside its scripts.
		exclude: (name) => ['node_modules', 'build', '.svelte-kit'].includes(basename(name))
	})) {
		files.set(path, readFileSync(join(root, path), 'utf8'));
	}
	return files;
}

/** In a component only the script blocks are code; the rest is blanked. */
function getCode(path: string, text: string) {
	if (!path.endsWith('.svelte')) return text;
	return [...text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map(([, code]) => code).join('\n');
}

/** Where a specifier points inside the project; null for packages and for what SvelteKit makes up. */
function resolvePath(from: string, specifier: string, files: Files) {
	if (specifier.startsWith('#lib/')) return specifier.slice(1);
	if (specifier.startsWith('$lib/')) return specifier.slice(1);
	if (!specifier.startsWith('.') || specifier.endsWith('/$types') || specifier === './$types.js') return null;
	const path = normalize(join(dirname(from), specifier));
	// Of a package too, which names it to nobody.
	if (path.startsWith('node_modules/')) return null;
	const spellings = [path, `${path}.ts`, path.replace(/\.js$/, '.ts'), `${path}/index.ts`];
	return spellings.find((spelling) => files.has(spelling)) ?? path;
}

export function getImports(path: string, text: string, files: Files): Import[] {
	const imports: Import[] = [];
	const source = ts.createSourceFile(`${path}.ts`, getCode(path, text), ts.ScriptTarget.Latest, true);
	const add = (specifier: ts.Node | undefined, isTypeOnly: boolean, isExport = false) => {
		if (!specifier || !ts.isStringLiteralLike(specifier)) return;
		const to = resolvePath(path, specifier.text, files);
		if (to) imports.push({ from: path, to, isTypeOnly, isExport });
	};
	const visit = (node: ts.Node) => {
		// `import { type A } from` still runs the other file; only `import type` does not.
		if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
		else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, true);
		else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
			add(node.argument.literal, true);
		else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
			add(node.arguments[0], false);
		}
		// A thread, or a program that is started: of a file beside it.
		else if (ts.isNewExpression(node) && node.expression.getText(source) === 'URL') {
			const [path, base] = node.arguments ?? [];
			if (base?.getText(source) === 'import.meta.url' && path && /\.ts['"`]$/.test(path.getText(source)))
				add(path, false);
		}
		ts.forEachChild(node, visit);
	};
	visit(source);
	return imports;
}
