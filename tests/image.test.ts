import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createDatabase, findFreePort } from './harness.ts';

/** What the image of Dockerfile holds, in a folder: its files, and the packages that `npm ci --omit=dev` installs. */

const root = fileURLToPath(new URL('..', import.meta.url));

/** The files that the last stage takes over. */
async function listFiles(): Promise<string[]> {
	const text = await readFile(join(root, 'Dockerfile'), 'utf8');
	const last = text.slice(text.lastIndexOf('\nFROM '));
	return [...last.matchAll(/^COPY (?:--from=pages \/portico\/)?([^-].*) \S+$/gm)].flatMap(([, files = '']) =>
		files.split(' ')
	);
}

/** Packages that are no part of development, by their places. */
async function listPackages(): Promise<string[]> {
	const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
		packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
	};
	return Object.entries(lock.packages).flatMap(([place, { dev, devOptional }]) =>
		/^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(place) && !dev && !devOptional ? place : []
	);
}

test('the image starts and serves pages with production packages alone, and ends when it is asked to', async ({
	onTestFinished
}) => {
	const folder = await mkdtemp(join(tmpdir(), 'portico-image-'));
	onTestFinished(() => rm(folder, { recursive: true, force: true }));
	const files = await listFiles();
	expect(files).toEqual(expect.arrayContaining(['build', 'src', 'lib', 'emails', 'migrations']));
	for (const file of files) await cp(join(root, file), join(folder, file), { recursive: true });
	for (const place of await listPackages()) {
		await mkdir(dirname(join(folder, place)), { recursive: true });
		await symlink(join(root, place), join(folder, place)).catch(() => undefined);
	}
	const { url, drop } = await createDatabase({ isPrepared: true });
	const port = await findFreePort();
	// A package must not find what lies beside its real place.
	const child = spawn(
		process.execPath,
		['--preserve-symlinks', '--preserve-symlinks-main', 'src/server.ts'],
		{
			cwd: folder,
			env: {
				PATH: process.env.PATH,
				NODE_ENV: 'production',
				PORT: String(port),
				DATABASE_URL: url,
				DATA_FOLDER: join(folder, 'data')
			},
			stdio: ['ignore', 'pipe', 'pipe']
		}
	);
	const ended = once(child, 'close');
	onTestFinished(async () => {
		child.kill('SIGKILL');
		await ended;
		await drop();
	});
	let said = '';
	child.stderr.on('data', (part) => (said += part));
	for await (const line of createInterface({ input: child.stdout })) {
		said += `${line}\n`;
		if (line.includes('Portico is ready')) break;
	}
	expect(said).toContain('Portico is ready');
	child.stdout.resume();
	const ask = async (path: string) => {
		const answer = await fetch(`http://localhost:${port}${path}`);
		return { status: answer.status, text: await answer.text() };
	};
	expect(await ask('/readyz')).toEqual({ status: 200, text: 'ready' });
	const page = await ask('/login');
	expect(page.status).toBe(200);
	const [, script = ''] = /href="([^"]+\.js)"/.exec(page.text) ?? [];
	expect((await ask(new URL(script, `http://localhost:${port}/login`).pathname)).status).toBe(200);
	child.kill('SIGTERM');
	expect(await ended).toEqual([0, null]);
});
