import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What Portico is measured beside, each a process of its own that ends with this one's input. */

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const vite = here('../../node_modules/vite/bin/vite.js');

export interface Rival {
	/** The first line that it has written. */
	said: string;
	pid: number;
	/** Resolves when it has ended. */
	end: () => Promise<void>;
}

/** Starts a program, and waits for its first line. @throws when it ends before. */
export async function startRival(
	script: string,
	{ cwd, env }: { cwd?: string; env: Record<string, string> }
): Promise<Rival> {
	const child = spawn(process.execPath, [script], {
		...(cwd && { cwd }),
		env: { PATH: process.env.PATH, ...env },
		stdio: ['pipe', 'pipe', 'inherit']
	});
	process.once('exit', () => child.kill('SIGKILL'));
	const end = async () => {
		const ended = once(child, 'exit');
		child.kill();
		await ended;
	};
	for await (const said of createInterface({ input: child.stdout }))
		return { said, pid: child.pid ?? 0, end };
	throw new Error(`${script} ended before it served.`);
}

/** The least that could answer. */
export const startFloor = (env: Record<string, string>) => startRival(here('floor.ts'), { env });

/** better-auth with the same people. It is installed beside its script the first time. */
export async function startBetterAuth(env: Record<string, string>): Promise<Rival> {
	const cwd = here('better-auth');
	if (!existsSync(here('better-auth/node_modules'))) await run('npm', ['install', '--no-audit'], { cwd });
	return startRival(here('better-auth/server.js'), { cwd, env });
}

/** A bare page of SvelteKit, built anew. */
export async function startKit(port: number): Promise<Rival> {
	const cwd = here('kit');
	await run(process.execPath, [vite, 'build'], { cwd });
	return startRival(here('kit/build/index.js'), {
		cwd,
		env: { HOST: '127.0.0.1', PORT: String(port), ORIGIN: `http://127.0.0.1:${port}` }
	});
}
