import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonTestResults } from 'vitest/node';
import { startPostgres } from './setup/postgres.ts';

/**
 * `npm test`: a build, then types and lint beside every test, and one closing line `N passed, N failed`. Types, lint and build
 * count as one test each. What was skipped proves nothing and counts as failed, but for tests with a program of others that is
 * not installed here: they say so by their names, and are told apart.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
/** Ends what hangs; how long all takes says how busy the machine is. */
const limitMs = 150 * 60_000;
const graceMs = 5_000;

const running = new Set<ChildProcess>();
let passed = 0;
let failed = 0;
let interrupted: string | undefined;

/** Everything below writes its temporary files here, so that one removal leaves nothing behind. */
const folder = await mkdtemp(join(tmpdir(), 'portico-test-'));
// PostgreSQL runs as another user when root starts it and has to pass through.
await chmod(folder, 0o711);
process.env.TMPDIR = folder;
process.env.PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;

/** Runs one command and returns its exit code and, unless it goes straight to the screen, what it wrote. */
async function run(command: string, args: string[], output: 'collect' | 'inherit') {
	if (interrupted) return { code: 1, text: '' };
	// A group of its own, so that what the command starts can be ended with it.
	const child = spawn(command, args, {
		cwd: root,
		detached: true,
		stdio: output === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe']
	});
	running.add(child);
	let text = '';
	child.stdout?.on('data', (chunk) => (text += chunk));
	child.stderr?.on('data', (chunk) => (text += chunk));
	child.on('error', (error) => (text += error.message));
	const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
	running.delete(child);
	return { code: code ?? 1, text };
}

function formatSeconds(since: number) {
	return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** One step that counts as one test: commands one after the other, silent while they pass. */
async function check(name: string, commands: string[][]) {
	const start = performance.now();
	for (const [command = '', ...args] of commands) {
		const { code, text } = await run(command, args, 'collect');
		if (interrupted) return false;
		if (code === 0) continue;
		failed += 1;
		console.log(`\n✗ ${name} (${formatSeconds(start)}): ${[command, ...args].join(' ')}\n${text}`);
		return false;
	}
	passed += 1;
	console.log(`✓ ${name} (${formatSeconds(start)})`);
	return true;
}

/** How a test is named that needs a program which no package of ours brings. */
const needsProgram = /, where it is installed$/;

/** Adds up Vitest's own report; what went wrong outside of any test counts as one failure more. */
async function countTests(report: string, code: number) {
	let results: JsonTestResults;
	try {
		results = JSON.parse(await readFile(report, 'utf8'));
	} catch {
		console.log('\nThe tests ended without a report.');
		failed += 1;
		return;
	}
	const failedBefore = failed;
	let skipped = 0;
	const withoutProgram: string[] = [];
	for (const file of results.testResults) {
		const isEach = (status: string) => file.assertionResults.filter((test) => test.status === status).length;
		const lacking = file.assertionResults.filter(
			({ status, title }) => !['passed', 'failed'].includes(status) && needsProgram.test(title)
		);
		withoutProgram.push(...lacking.map(({ title }) => title));
		const passedHere = isEach('passed');
		const failedHere = file.assertionResults.length - passedHere - lacking.length;
		passed += passedHere;
		failed += failedHere;
		skipped += failedHere - isEach('failed');
		// A file that could not be read or whose hooks failed has no failed test, or no test at all.
		const isEmpty = passedHere + lacking.length === 0;
		if (failedHere === 0 && (file.status === 'failed' || isEmpty)) failed += 1;
	}
	if (withoutProgram.length > 0)
		console.log(`\n${withoutProgram.length} skipped, not counted: ${withoutProgram.join('; ')}.`);
	if (skipped > 0) console.log(`\n${skipped} skipped, counted as failed.`);
	if (results.testResults.length === 0) console.log('\nNo test was run.');
	const isClean = code === 0 && results.testResults.length > 0;
	if (!isClean && failed === failedBefore) failed += 1;
}

async function test(names: string[]) {
	const start = performance.now();
	const report = join(folder, 'vitest.json');
	const projects = names.flatMap((name) => ['--project', name]);
	const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
	const { code } = await run('vitest', ['run', ...projects, ...reporters], 'inherit');
	if (!interrupted) await countTests(report, code);
	console.log(`${names.join(', ')} (${formatSeconds(start)})`);
}

function signal(name: NodeJS.Signals) {
	for (const child of running) {
		try {
			if (child.pid) process.kill(-child.pid, name);
		} catch {
			// Ended by itself in the meantime.
			running.delete(child);
		}
	}
}

function interrupt(reason: string) {
	if (interrupted) return;
	interrupted = reason;
	signal('SIGTERM');
	setTimeout(() => signal('SIGKILL'), graceMs).unref();
}

const limit = setTimeout(() => interrupt(`The run took more than ${limitMs / 60_000} minutes.`), limitMs);
limit.unref();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(name, () => interrupt(`The run was ended by ${name}.`));
}

/** In the time that tests wait, one after the other: together they would take most of a small machine from its servers. */
async function read() {
	await check('types', [['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings']]);
	await check('lint', [
		['prettier', '--check', '.'],
		['eslint', '.']
	]);
}

async function runAll() {
	// Types, lint and build read what this writes; first, so that no two of them write it at once.
	const routes = await run('svelte-kit', ['sync'], 'collect');
	if (routes.code !== 0) {
		failed += 1;
		console.log(`✗ svelte-kit sync\n${routes.text}`);
	}
	// The build leaves a part of the machine free, and writes nothing that they read.
	const reading = read();
	const isBuilt = await check('build', [['vite', 'build']]);
	if (interrupted) return;
	if (!isBuilt) console.log('\nWithout a build there is nothing to show a browser: its tests are left out.');

	const server = process.env.TEST_DATABASE_URL ? undefined : await startPostgres({ isForTests: true });
	if (server) process.env.TEST_DATABASE_URL = server.url;
	try {
		await test(['unit', 'pglite', 'postgres', ...(isBuilt ? ['browser'] : [])]);
	} finally {
		await server?.stop();
		await reading;
	}
}

const start = performance.now();
try {
	await runAll();
} catch (error) {
	failed += 1;
	console.log(error instanceof Error ? error.message : error);
}
await rm(folder, { recursive: true, force: true, maxRetries: 5 });
console.log(`\nAll in all ${formatSeconds(start)}.`);
if (interrupted) {
	failed += 1;
	console.log(interrupted);
}
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);
