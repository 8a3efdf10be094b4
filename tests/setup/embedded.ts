import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { prepare } from './prepare.ts';

/** Vitest's global setup: an embedded database that is up to date, for the servers of the tests to copy. */
export default async function setup({ vitest }: TestProject) {
	if (!vitest.projects.some((project) => project.name === 'pglite')) return;
	const folder = await mkdtemp(join(tmpdir(), 'portico-prepared-'));
	await prepare({ DATA_FOLDER: folder });
	process.env.TEST_PREPARED_FOLDER = folder;
}
