import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

/** Who gets the folder of the embedded database, among processes that do nothing else; with a server see start.test.ts. */

const script = fileURLToPath(new URL('setup/holder.ts', import.meta.url));
const newFolder = () => mkdtemp(join(tmpdir(), 'portico-lock-'));

const ends: (() => void)[] = [];
afterAll(() => ends.forEach((end) => end()));

/** A process that wants the folder; `said` is what it has said last. */
function want(folder: string) {
	const child = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
	ends.push(() => child.kill('SIGKILL'));
	const waited: string[] = [];
	const said = (async () => {
		for await (const line of createInterface({ input: child.stdout })) {
			if (!line.includes('Waiting to see which')) return line;
			waited.push(line);
		}
		return '';
	})();
	const ended = once(child, 'exit');
	return {
		said,
		/** Whether it had to see first whether somebody is there. */
		hasWaited: () => waited.length > 0,
		/** As if the power had gone. */
		async kill() {
			child.kill('SIGKILL');
			await ended;
		}
	};
}

/** Somebody took the folder and is gone; what is written there of them, with these changes. */
async function leave(folder: string, changes: object = {}) {
	const one = want(folder);
	expect(await one.said).toBe('taken');
	await one.kill();
	const file = join(folder, 'portico.pid');
	await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...changes }));
}

// At once: each of them waits for a lock to grow old.
describe.concurrent('a folder', () => {
	test('of a process that is gone is taken at once: on the same machine a process id tells', async () => {
		const folder = await newFolder();
		await leave(folder);
		const next = want(folder);
		expect(await next.said).toBe('taken');
		expect(next.hasWaited()).toBe(false);
	});

	test('of a process whose id is another’s by now, likewise', async () => {
		const folder = await newFolder();
		await leave(folder, { pid: process.pid, startedAt: '1' });
		const next = want(folder);
		expect(await next.said).toBe('taken');
		expect(next.hasWaited()).toBe(false);
	});

	test.each(['host', 'boot', 'namespace'])(
		'of a process of another %s is refused as long as it is touched there; then it is taken',
		async (name) => {
			const folder = await newFolder();
			// Its id is one that here nobody has, or one that here is somebody else.
			const pid = name === 'namespace' ? process.pid : 2 ** 22 + 1;
			await leave(folder, { pid, [name]: 'another' });
			const lock = join(folder, 'portico.lock');
			const touch = () => utimes(lock, new Date(), new Date());
			await touch();
			const touching = setInterval(() => void touch(), 1_000);
			ends.push(() => clearInterval(touching));
			const early = want(folder);
			expect(await early.said).toContain('Another Portico is already running on');
			clearInterval(touching);
			await touch();
			const late = want(folder);
			expect(await late.said).toBe('taken');
			expect(late.hasWaited()).toBe(true);
		}
	);

	test('that three want at once after a power cut is taken by one', async () => {
		const folder = await newFolder();
		await leave(folder);
		const said = await Promise.all([want(folder).said, want(folder).said, want(folder).said]);
		expect(said.filter((word) => word === 'taken')).toHaveLength(1);
		expect(said.filter((word) => word.includes('Another Portico is already running'))).toHaveLength(2);
	});
});
