import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Vitest's global setup. Everything that a run writes outside of the project lies in one folder that goes with it:
 * Vitest ends its workers without letting them tidy up, and after Ctrl-C it does not call what a setup returned.
 */
export default async function setup() {
	const folder = await mkdtemp(join(tmpdir(), 'portico-test-'));
	process.once('exit', () =>
		rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
	);
	// PostgreSQL runs as another user when root starts it and has to pass through.
	await chmod(folder, 0o711);
	process.env.TMPDIR = folder;
	process.env.TEST_PORTS_FOLDER = join(folder, 'ports');
	await mkdir(process.env.TEST_PORTS_FOLDER);
}
