import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

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
