import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

/** Programs of others that no package of ours brings. */

const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/usr/local/bin'];

export const findProgram = (name: string) =>
	places.map((place) => join(place, name)).find((path) => existsSync(path));

/** nginx with these lines in its `http` block; all that it writes is in the folder. */
export async function startNginx(program: string, folder: string, lines: string) {
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
		(kind) => `${kind}_temp_path ${folder}/${kind};`
	);
	const config = join(folder, 'nginx.conf');
	const http = `access_log off; ${temporary.join(' ')}\n${lines}`;
	await writeFile(config, `daemon off; pid ${folder}/nginx.pid; events {}\nhttp {\n${http}\n}\n`);
	return spawn(program, ['-e', 'stderr', '-p', folder, '-c', config], {
		stdio: ['ignore', 'pipe', 'pipe']
	});
}

/** PgBouncer before the database of this address, as its own defaults have it but for the mode. */
export async function startPgbouncer(
	program: string,
	{ url, folder, port, mode }: { url: string; folder: string; port: number; mode: 'session' | 'transaction' }
) {
	const to = new URL(url);
	const { hostname, username, password } = to;
	const config = join(folder, `pgbouncer-${mode}.ini`);
	const lines = [
		'[databases]',
		`* = host=${hostname} port=${to.port} user=${username} password=${password}`,
		'[pgbouncer]',
		'listen_addr = 127.0.0.1',
		`listen_port = ${port}`,
		'unix_socket_dir =',
		'auth_type = any',
		`pool_mode = ${mode}`
	];
	await writeFile(config, lines.join('\n'));
	// It doesn't run as root.
	const as = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
	await chmod(folder, 0o755);
	const child = spawn(program, [...as, config], { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = once(child, 'close');
	let said = '';
	for await (const line of createInterface({ input: child.stderr })) {
		said += `${line}\n`;
		if (line.includes('process up')) break;
	}
	child.stderr.resume();
	if (!said.includes('process up')) throw new Error(`PgBouncer did not start:\n${said}`);
	to.host = `127.0.0.1:${port}`;
	async function stop() {
		child.kill('SIGTERM');
		await ended;
	}
	return { url: to.href, stop, [Symbol.asyncDispose]: stop };
}
