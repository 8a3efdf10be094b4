import { existsSync } from 'node:fs';
import { join } from 'node:path/posix';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { getImports, layers, readFiles, root, type Files, type Import } from './imports.ts';

/**
 * Imports point one way (README, "The map"): a page can never pull the server into the browser, and a migration that
 * was once merged never changes its meaning because code moved. This file also keeps the few names that are rules.
 */
const mayImport: Record<string, string[]> = {
	migrations: [],
	lib: ['lib'],
	emails: ['emails', 'lib'],
	src: ['src', 'emails', 'lib', 'migrations', 'build'],
	routes: ['routes', 'lib']
};
/** Of these only types, which are gone when the code runs. */
const mayImportTypes: Record<string, string[]> = { routes: ['src'] };

/** The rooms of the server by their floors, from the top: an import goes down, or stays in its room. */
const floors = [
	['programs', 'server'],
	['demo'],
	['http'],
	['router', 'jobs'],
	['live'],
	['procedures'],
	['people'],
	['api'],
	['mail'],
	['identity'],
	['news'],
	['documents'],
	['vault'],
	['database'],
	['env', 'logging', 'metrics']
];

/** The nouns of the API likewise, inside of `procedures`. */
const nouns = [
	['alarms', 'documents', 'emails', 'figures', 'gateways', 'mailServers', 'messages', 'plans'],
	['preferences', 'sessions', 'setup'],
	['accesses', 'invitations', 'quotas', 'usage'],
	['accounts'],
	['organizations'],
	['applications', 'members'],
	['credentials'],
	['products', 'settings'],
	['activity']
];

function getLayer(path: string) {
	return path.split('/')[0] ?? '';
}

/** The browser's own part of the library, which neither the server nor what it shares with browsers knows. */
const isOfPages = (path: string) => /^lib\/(browser|components)\//.test(path);

function findWrongDirections(imports: Import[]) {
	return imports
		.filter(({ from, to, isTypeOnly }) => {
			const layer = getLayer(from);
			if (!layers.includes(layer)) return false;
			if (isOfPages(to) && layer !== 'routes' && !isOfPages(from)) return true;
			const allowed = [...(mayImport[layer] ?? []), ...(isTypeOnly ? (mayImportTypes[layer] ?? []) : [])];
			return !allowed.includes(getLayer(to));
		})
		.map(({ from, to, isTypeOnly }) => `${from} must not import ${isTypeOnly ? 'types of ' : ''}${to}`);
}

function getRoom(path: string) {
	return /^src\/([^/.]+)/.exec(path)?.[1] ?? null;
}

function getNoun(path: string) {
	return /^src\/procedures\/([^/.]+)\//.exec(path)?.[1] ?? null;
}

function findWaysUp(imports: Import[], house = floors, getRoomOf = getRoom) {
	const floorOf = (room: string) => house.findIndex((rooms) => rooms.includes(room));
	return imports.flatMap(({ from, to }) => {
		const [here, there] = [getRoomOf(from), getRoomOf(to)];
		if (here === null || there === null || here === there) return [];
		if (floorOf(here) < 0) return [`${from} stands on no floor`];
		return floorOf(there) > floorOf(here) ? [] : [`${from} must not import ${to}, which is not below it`];
	});
}

/** Of each noun of the API the folders that its procedures come from: a procedure's path tells where it stands. */
function findStrayNouns(text: string) {
	const source = ts.createSourceFile('router.ts', text, ts.ScriptTarget.Latest, true);
	const cameFrom = new Map<string, string>();
	const strays: string[] = [];
	let count = 0;
	const visit = (node: ts.Node) => {
		if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
			const { namedBindings } = node.importClause ?? {};
			if (namedBindings && ts.isNamedImports(namedBindings)) {
				for (const { name } of namedBindings.elements) cameFrom.set(name.text, node.moduleSpecifier.text);
			}
		}
		if (ts.isPropertyAssignment(node)) {
			const noun = node.name.getText(source);
			const words = node.initializer.getText(source).split(/\W+/);
			if (words.includes('router') || !words.some((word) => word.endsWith('Router')))
				strays.push(`${noun} is written in the router's own file`);
			for (const name of words.filter((word) => word.endsWith('Router'))) {
				count += 1;
				const path = cameFrom.get(name);
				if (!path?.startsWith(`./procedures/${noun}/`)) strays.push(`${noun} comes from ${path}`);
			}
			return;
		}
		ts.forEachChild(node, visit);
	};
	visit(source);
	return { count, strays };
}

/** A file that hands on what another one exports hides where things are and loads everything for one of them. */
function findBarrels(imports: Import[]) {
	return imports.filter((one) => one.isExport).map(({ from, to }) => `${from} only hands on ${to}`);
}

function findCycles(imports: Import[]) {
	const targets = new Map<string, Set<string>>();
	for (const { from, to } of imports) {
		// A component may contain itself: a tree does.
		if (from !== to) targets.set(from, (targets.get(from) ?? new Set()).add(to));
	}
	const cycles: string[] = [];
	const done = new Set<string>();
	const walk = (path: string, trail: string[]) => {
		const seenAt = trail.indexOf(path);
		if (seenAt >= 0) return void cycles.push([...trail.slice(seenAt), path].join(' → '));
		if (done.has(path)) return;
		for (const target of targets.get(path) ?? []) walk(target, [...trail, path]);
		done.add(path);
	};
	for (const path of targets.keys()) walk(path, []);
	return cycles;
}

/** Folders whose names follow a rule. Where a noun has no plural it is listed. */
const names: [folder: RegExp, name: RegExp][] = [
	[/^src\//, /^[a-z]+(-[a-z]+)*\.ts$/],
	[/^migrations\//, /^\d{8}T\d{4}_[a-z]+(_[a-z]+)+\.ts$/],
	[/^emails\/(?!.*\.ts$)/, /^[a-z]+(-[a-z]+)*\.mjml$/],
	[/^tests\/(e2e\/)?[^/]*\.test\.ts$/, /^[a-z]+(-[a-z]+)*(\.unit|\.postgres)?\.test\.ts$/]
];
const vague = /\/(utils?|helpers?|common|misc|shared|[^/]*(service|repository|manager|dto))\.(ts|svelte)$/i;

function findWrongNames(paths: string[]) {
	return paths.filter((path) => {
		const name = path.slice(path.lastIndexOf('/') + 1);
		const isAgainstRule = names.some(([folder, rule]) => folder.test(path) && !rule.test(name));
		return isAgainstRule || vague.test(path);
	});
}

function findLongFiles(files: Files) {
	const longest = 350;
	const counted = [...files].map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }));
	return counted.filter(({ lines }) => lines > longest).map(({ path, lines }) => `${path}: ${lines} lines`);
}

/** The same thing on both sides, or what an e-mail says of a field, under the field's own name. */
const twins = [
	'api',
	'Refusal',
	'LiveSocket',
	'text',
	'firstName',
	'organizationName',
	'applicationName',
	'productName',
	'planName'
];

/** What two files hand out under one name means two things to whoever reads it. */
function findNamesakes(files: Files) {
	const places = new Map<string, Set<string>>();
	for (const [path, text] of files) {
		// What a framework asks for has the name that it asks for.
		if (/^(tests|migrations)\/|\/\+|\/hooks\./.test(path)) continue;
		for (const [, name = ''] of text.matchAll(
			/^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm
		))
			places.set(name, (places.get(name) ?? new Set()).add(path));
	}
	return [...places]
		.filter(([name, at]) => at.size > 1 && !twins.includes(name))
		.map(([name, at]) => `${name}: ${[...at].join(', ')}`);
}

const files = readFiles();
const imports = [...files].flatMap(([path, text]) => getImports(path, text, files));

test('imports point one way', () => {
	expect(imports.length).toBeGreaterThan(10);
	expect(findWrongDirections(imports)).toEqual([]);
});

test('imports of the server go down its floors', () => {
	expect(findWaysUp(imports)).toEqual([]);
	const rooms = new Set([...files.keys()].flatMap((path) => getRoom(path) ?? []));
	expect([...rooms].toSorted()).toEqual(floors.flat().toSorted());
});

test('nouns of the API import those that stand below them', () => {
	expect(findWaysUp(imports, nouns, getNoun)).toEqual([]);
	const folders = new Set([...files.keys()].flatMap((path) => getNoun(path) ?? []));
	expect([...folders].toSorted()).toEqual(nouns.flat().toSorted());
});

test('a procedure stands in the folder that its path tells', () => {
	const { count, strays } = findStrayNouns(files.get('src/router.ts') ?? '');
	expect(count).toBeGreaterThan(20);
	expect(strays).toEqual([]);
});

test('every import of ours is a file', () => {
	const missing = imports.filter(({ to }) => getLayer(to) !== 'build' && !existsSync(join(root, to)));
	expect(missing.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('what files hand out has a name of its own', () => {
	expect(findNamesakes(files)).toEqual([]);
});

test('the library is reached by its one alias', () => {
	const isOneWay = /from '(\$lib\/|(\.\.\/)+lib\/)|import\('(\$lib\/|(\.\.\/)+lib\/)/;
	const others = [...files].filter(([path, text]) => path !== 'tests/imports.test.ts' && isOneWay.test(text));
	expect(others.map(([path]) => path)).toEqual([]);
});

test('the library runs in a browser: it imports nothing of Node', () => {
	const ofNode = [...files].filter(([path, text]) => getLayer(path) === 'lib' && /from 'node:/.test(text));
	expect(ofNode.map(([path]) => path)).toEqual([]);
});

test('no file hands on the exports of another', () => {
	expect(findBarrels(imports)).toEqual([]);
});

test('no file imports itself by way of others', () => {
	expect(findCycles(imports)).toEqual([]);
});

test('files are named by the rules', () => {
	expect(findWrongNames([...files.keys()])).toEqual([]);
});

test('no file is longer than a person reads', () => {
	expect(findLongFiles(files)).toEqual([]);
});

test('each of these rules finds what breaks it', () => {
	const samples: Files = new Map([
		['src/router.ts', `import { page } from '../routes/+page.ts';\nexport type AppRouter = 1;`],
		['routes/+page.ts', `import { type AppRouter } from '../src/router.ts';\nimport { a } from '#lib/a.ts';`],
		[
			'routes/+page.svelte',
			`<p>import x from '../src/a.ts'</p><script>const a = import('../src/router.ts')</script>`
		],
		['routes/api.ts', `import type { AppRouter } from '../src/router.ts';\n// import '../src/router.ts'`],
		['lib/a.ts', `import { b } from './b.ts';\nconst text = "import '../src/router.ts'";`],
		['lib/b.ts', `export type A = import('./a.ts').A;\nexport * from '../emails/catalogue.ts';`],
		[
			'migrations/20261124T0900_create_things.ts',
			`import { sql } from 'kysely';\nimport { a } from '#lib/a.ts';`
		],
		['src/mail/look.ts', `import { tones } from '#lib/components/tones.ts';\nimport '#lib/browser/idle.ts';`],
		['src/mail/thread.ts', `new Worker(new URL('../../routes/work.ts', import.meta.url));`],
		[
			'src/mail/folder.ts',
			`new URL('../../routes/', import.meta.url);\nnew URL('./work.ts', 'http://other');`
		],
		['lib/c.ts', `import { tones } from './components/tones.ts';`],
		['lib/components/Badge.svelte', `<script>import { idle } from '#lib/browser/idle.ts';</script>`]
	]);
	const found = [...samples].flatMap(([path, text]) => getImports(path, text, samples));
	expect(findWrongDirections(found)).toEqual([
		'src/router.ts must not import routes/+page.ts',
		'routes/+page.ts must not import src/router.ts',
		'routes/+page.svelte must not import src/router.ts',
		'lib/b.ts must not import emails/catalogue.ts',
		'migrations/20261124T0900_create_things.ts must not import lib/a.ts',
		'src/mail/look.ts must not import lib/components/tones.ts',
		'src/mail/look.ts must not import lib/browser/idle.ts',
		'src/mail/thread.ts must not import routes/work.ts',
		'lib/c.ts must not import lib/components/tones.ts'
	]);
	const upwards = [
		['src/mail/delivery.ts', 'src/procedures/invitations/invitations.ts'],
		['src/news/presence.ts', 'src/procedures/organizations/organizations.ts'],
		['src/procedures/members/members.ts', 'src/procedures/credentials/exposures.ts'],
		['src/http/app.ts', 'src/router.ts'],
		['src/attic/dust.ts', 'src/env.ts']
	].map(([from = '', to = '']): Import => ({ from, to, isTypeOnly: true, isExport: false }));
	expect(findWaysUp(upwards)).toEqual([
		'src/mail/delivery.ts must not import src/procedures/invitations/invitations.ts, which is not below it',
		'src/news/presence.ts must not import src/procedures/organizations/organizations.ts, which is not below it',
		'src/attic/dust.ts stands on no floor'
	]);
	const betweenNouns = [
		['src/procedures/members/members.ts', 'src/procedures/credentials/exposures.ts'],
		['src/procedures/members/members.ts', 'src/procedures/members/roster.ts'],
		['src/procedures/members/members.ts', 'src/people/members.ts'],
		['src/procedures/credentials/changes.ts', 'src/procedures/members/members.ts'],
		['src/procedures/setup/setup.ts', 'src/procedures/sessions/sessions.ts'],
		['src/procedures/dust/dust.ts', 'src/procedures/activity/activity.ts']
	].map(([from = '', to = '']): Import => ({ from, to, isTypeOnly: true, isExport: false }));
	expect(findWaysUp(betweenNouns, nouns, getNoun)).toEqual([
		'src/procedures/credentials/changes.ts must not import src/procedures/members/members.ts, which is not below it',
		'src/procedures/setup/setup.ts must not import src/procedures/sessions/sessions.ts, which is not below it',
		'src/procedures/dust/dust.ts stands on no floor'
	]);
	const misplaced = `import { usersRouter } from './procedures/users/users.ts';\nrouter({ accounts: usersRouter });`;
	expect(findStrayNouns(misplaced).strays).toEqual(['accounts comes from ./procedures/users/users.ts']);
	const inline = `import { aRouter } from './procedures/a/a.ts';\nrouter({ a: mergeRouters(aRouter, router({})), b: router({ c: 1 }) });`;
	expect(findStrayNouns(inline).strays).toEqual([
		"a is written in the router's own file",
		"b is written in the router's own file"
	]);
	expect(findBarrels(found)).toEqual(['lib/b.ts only hands on emails/catalogue.ts']);
	expect(findCycles(found)).toEqual([
		'src/router.ts → routes/+page.ts → src/router.ts',
		'lib/a.ts → lib/b.ts → lib/a.ts'
	]);
	const wrong = ['src/mail/mailServer.ts', 'src/utils.ts', 'migrations/1_x.ts', 'tests/Members.test.ts'];
	expect(
		findWrongNames([...wrong, 'src/procedures/members/members.ts', 'tests/e2e/five-steps.test.ts'])
	).toEqual(wrong);
	expect(findLongFiles(new Map([['lib/long.ts', 'x\n'.repeat(351)]]))).toEqual(['lib/long.ts: 351 lines']);
});
