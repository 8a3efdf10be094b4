import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Some hundred starts compile the same modules. */
export const compileCache = () => join(tmpdir(), 'portico-compiled');

/** Where the run has this program in one file (see setup/bundle.ts), that one; a script of a test as it is. */
export function findProgram(script: string): string {
	const folder = process.env.TEST_BUNDLE_FOLDER;
	return folder && script.startsWith('src/') ? join(folder, script.replace(/\.ts$/, '.js')) : script;
}

/** A program of an operator's, such as `src/backup.ts`, with this environment alone. */
export function beginProgram(script: string, env: Record<string, string>) {
	const program = spawn(process.execPath, [findProgram(script)], {
		env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache(), ...env }
	});
	return { program, ended: once(program, 'close') };
}

/** What it says until it has ended, and its exit code. */
export async function runProgram(script: string, env: Record<string, string>) {
	const { program, ended } = beginProgram(script, env);
	const [output, errors] = await Promise.all([text(program.stdout), text(program.stderr), ended]);
	return { code: program.exitCode, output, errors };
}
