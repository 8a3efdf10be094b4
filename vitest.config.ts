import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const unit = ['tests/**/*.unit.test.ts', 'tests/mail.test.ts', 'tests/imports.test.ts'];
const browser = ['tests/e2e/**/*.test.ts'];
const cores = Math.max(2, availableParallelism());

/**
 * What the embedded database does differently, and the journeys that pass its types and its SQL: the rest behaves by our
 * code alone, and runs on PostgreSQL, where several connections can be in each other's way.
 */
const embedded = [
	// The folder with its lock, a killed process, and the queue of e-mails without a second connection.
	'start',
	'crash',
	'delivery',
	// jsonb, int8, dates, arrays and what is searched, as its driver reads them.
	'activity',
	'verify-activity',
	'searches',
	'exports',
	'emails',
	// Texts of megabytes, read in a thread beside the one that the database runs on.
	'long-documents',
	// From page to page, with NOTIFY within one process: most kinds of row are written and read once.
	'invitations',
	'credentials'
].map((name) => `tests/${name}.test.ts`);

/** Short to read and long to run: they wait for a time to pass, or start one process after the other. */
const long = [
	'lock.unit',
	'documents.unit',
	'crash',
	'connections.postgres',
	'proofs',
	'expiries',
	'deletions',
	'outages.postgres',
	'proxies.postgres',
	'faults.postgres',
	'missed-news.postgres',
	'usage-crash.postgres',
	'neighbours.postgres',
	'e2e/activity',
	'e2e/departures',
	'e2e/pages',
	'e2e/clocks',
	'e2e/not-live',
	'e2e/other-answers'
].map((name) => `/tests/${name}.test.ts`);
const isLong = ({ moduleId }: TestSpecification) => long.some((path) => moduleId.endsWith(path));

/**
 * What is begun last keeps one worker busy when the others have nothing left to do: that is no long file. Files that share a
 * portal must not mind which came before them: `TEST_ORDER=any-word` puts all into an order of chance, the same for a word.
 */
class LongFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const word = process.env.TEST_ORDER;
		if (word) {
			const rank = ({ moduleId }: TestSpecification) =>
				createHash('sha256')
					.update(`${word} ${basename(moduleId)}`)
					.digest('hex');
			return files.toSorted((one, other) => rank(one).localeCompare(rank(other)));
		}
		const sorted = await super.sort(files);
		return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
	}
}

/** On both databases; `inject('database')` tells a test which one it is on. */
function integration(database: 'pglite' | 'postgres') {
	return {
		test: {
			name: database,
			include: database === 'pglite' ? embedded : ['tests/**/*.test.ts'],
			exclude: [...unit, ...browser],
			provide: { database },
			sequence: { groupOrder: 1 }
		}
	};
}

export default defineConfig({
	// The project's own extends a file that SvelteKit writes, which a fresh clone lacks.
	tsconfig: 'tests/setup/vitest.tsconfig.json',
	test: {
		globalSetup: [
			'tests/setup/folder.ts',
			'tests/setup/postgres.ts',
			'tests/setup/embedded.ts',
			'tests/setup/bundle.ts'
		],
		// A forgotten `.only` must not make the rest pass unseen.
		allowOnly: false,
		bail: 0,
		sequence: { sequencer: LongFirst },
		retry: 0,
		// How long something takes says how busy the machine is, not whether it is right: these limits only end what hangs.
		testTimeout: 600_000,
		hookTimeout: 600_000,
		expect: { poll: { timeout: 240_000 } },
		// A worker runs one file after the other: each brings its own portal, and none changes what the modules hold.
		isolate: false,
		// Most of the time a test waits for what a server does, or for a time to pass.
		maxWorkers: cores + 3,
		projects: [
			{ test: { name: 'unit', include: unit, sequence: { groupOrder: 1 } } },
			integration('pglite'),
			integration('postgres'),
			{
				test: {
					name: 'browser',
					include: browser,
					provide: { database: 'postgres' },
					// After everything else: what a person waits for should not wait for the other tests.
					sequence: { groupOrder: 2 },
					// Of three, one waits for a server or for a frame.
					maxWorkers: cores + 1
				}
			}
		]
	}
});
