import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { adminPassword } from './factories.ts';
import { startServer, type Server } from './harness.ts';
import { runProgram } from './commands.ts';

/** `npm run backup` of an embedded database that is in use, and what is restored from it, as docs/operating.md says. */

const backup = (folder: string, env: Record<string, string> = {}) =>
	runProgram('src/programs/backup.ts', { DATA_FOLDER: folder, ...env });

async function call(server: Server, path: string, input: object, cookie = '') {
	const response = await fetch(`${server.origin}/trpc/${path}`, {
		method: 'POST',
		body: JSON.stringify(input),
		headers: { origin: server.origin, 'content-type': 'application/json', cookie }
	});
	const set = response.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
	return { status: response.status, cookie: set.join('; ') };
}

test('a copy that is made while people write is whole: what was answered before it is there', async () => {
	const email = 'admin@example.test';
	await using server = await startServer({
		database: 'pglite',
		isPrepared: true,
		env: { PORTAL_ADMIN_EMAIL: email, PORTAL_ADMIN_PASSWORD: adminPassword }
	});
	const folder = server.dataFolder;
	const partner = (n: number) => ({
		name: `Partner ${n}`,
		firstName: 'Pat',
		lastName: 'Ner',
		email: `p${n}@example.test`
	});
	const { cookie } = await call(server, 'sessions.create', { email, password: adminPassword });
	let made = 0;
	const create = async () => {
		expect((await call(server, 'organizations.create', partner(made), cookie)).status).toBe(200);
		made += 1;
	};
	await create();
	await create();
	let isWriting = true;
	const writing = (async () => {
		while (isWriting && made < 40) await create();
	})();
	const before = made;
	const done = await backup(folder);
	isWriting = false;
	await writing;
	expect(done).toMatchObject({ code: 0, errors: '' });
	const [, file = ''] = /The copy is (\S+\.tar\.gz)\./.exec(done.output) ?? [];
	expect((await stat(file)).mode & 0o777).toBe(0o600);
	expect(await readdir(join(folder, 'backups'))).toEqual([file.split('/').at(-1)]);
	expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);

	// The disk is lost; its copy and the keys are not.
	await server.kill();
	expect((await backup(folder, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })).errors).toContain(
		'pg_dump'
	);
	await rm(join(folder, 'database'), { recursive: true });
	await mkdir(join(folder, 'database'), { mode: 0o700 });
	await promisify(execFile)('tar', ['-xzf', file, '-C', join(folder, 'database')]);
	const verified = await runProgram('src/programs/verify.ts', { DATA_FOLDER: folder });
	expect(verified).toMatchObject({ code: 0, errors: '' });
	await server.restart();
	expect((await call(server, 'sessions.create', { email, password: adminPassword })).status).toBe(200);
	// Whatever was answered before the copy was asked for has its name taken in what was restored.
	for (let n = 0; n < before; n += 1)
		expect((await call(server, 'organizations.create', partner(n), cookie)).status).toBe(409);
	await server.stop();
	expect(await backup(folder)).toMatchObject({
		code: 1,
		errors: expect.stringContaining('No portal is running')
	});
});
