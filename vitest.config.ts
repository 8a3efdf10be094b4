import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const unit = ['tests/**/*.unit.test.ts', 'tests/mail.test.ts', 'tests/imports.test.ts'];
const browser = ['tests/e2e/**/*.test.ts'];
const workers = Math.max(2, availableParallelism());

/** Several processes need a database server; the embedded database belongs to one process. */
const postgresOnly = ['tests/**/*.postgres.test.ts'];

/** The same files on both databases; `inject('database')` tells a test which one it is on. */
function integration(database: 'pglite' | 'postgres') {
	return {
		test: {
			name: database,
			include: ['tests/**/*.test.ts'],
			exclude: [...unit, ...browser, ...(database === 'pglite' ? postgresOnly : [])],
			provide: { database },
			sequence: { groupOrder: 1 }
		}
	};
}

export default defineConfig({
	// The project's own extends a file that SvelteKit writes, which a fresh clone lacks.
	tsconfig: 'tests/setup/vitest.tsconfig.json',
	test: {
		globalSetup: ['tests/setup/folder.ts', 'tests/setup/postgres.ts', 'tests/setup/embedded.ts'],
		// A forgotten `.only` must not make the rest pass unseen.
		allowOnly: false,
		bail: 0,
		retry: 0,
		// How long something takes says how busy the machine is, not whether it is right: these limits only end what hangs.
		testTimeout: 300_000,
		hookTimeout: 300_000,
		expect: { poll: { timeout: 60_000 } },
		maxWorkers: workers,
		projects: [
			{ test: { name: 'unit', include: unit, sequence: { groupOrder: 1 } } },
			integration('pglite'),
			integration('postgres'),
			{
				test: {
					name: 'browser',
					include: browser,
					provide: { database: 'postgres' },
					// After everything else and one at a time: what a person waits for should not wait for other tests.
					maxWorkers: 1,
					fileParallelism: false,
					sequence: { groupOrder: 2 }
				}
			}
		]
	}
});
