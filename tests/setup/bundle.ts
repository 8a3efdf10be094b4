import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Each is a process of its own, which tests start some hundred times. */
const programs = [
	'src/server.ts',
	'src/programs/backup.ts',
	'src/programs/move.ts',
	'src/programs/verify.ts',
	'src/programs/rotate.ts'
];
/** What brings files that it finds beside its own. */
const apart = ['@electric-sql/pglite', '@node-rs/argon2', 'vite'];

/**
 * Vitest's global setup: the programs in one file each, so that a start doesn't look up, read and link 1,300 modules, half of
 * what it costs. What stands in them is the same; a first start in `start.test.ts`, and that in `image.test.ts`, are by the
 * operator's own command.
 */
export default async function setup({ vitest }: TestProject) {
	if (!vitest.projects.some((project) => project.name !== 'unit')) return;
	const folder = await mkdtemp(join(tmpdir(), 'portico-bundle-'));
	await build({
		configFile: false,
		root,
		logLevel: 'error',
		ssr: { noExternal: true },
		plugins: [
			{
				name: 'portico:own-places',
				enforce: 'pre',
				async resolveId(source, importer) {
					if (!apart.some((name) => source === name || source.startsWith(`${name}/`))) return null;
					const found = await this.resolve(source, importer, { skipSelf: true });
					return found && { id: pathToFileURL(found.id).href, external: 'absolute' };
				},
				// Migrations, templates and workers lie where the sources do.
				transform: (code, id) =>
					id.startsWith(join(root, 'src')) && code.includes('import.meta')
						? code
								.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
								.replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
						: null
			}
		],
		build: {
			ssr: true,
			outDir: folder,
			target: 'node24',
			minify: false,
			reportCompressedSize: false,
			rolldownOptions: {
				// Names stay: errors tell theirs.
				output: { minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } } },
				input: Object.fromEntries(programs.map((program) => [program.replace(/\.ts$/, ''), program]))
			}
		}
	});
	// Otherwise Node reads each file once more to find out.
	await writeFile(join(folder, 'package.json'), '{"type":"module"}');
	process.env.TEST_BUNDLE_FOLDER = folder;
}
