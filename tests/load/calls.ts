import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/database.ts';
import type { AppRouter } from '../../src/router.ts';
import { createDatabase, startServer } from '../harness.ts';
import { insertMember, insertPerson } from '../people.ts';
import { startPostgres } from '../setup/postgres.ts';
import { middleOf } from './probes.ts';

/**
 * `npm run bench:calls`: how many of the calls that everybody makes are answered in a second, beside the least that
 * could answer them (floor.ts), on the same PostgreSQL and in turns. With a path, the figures are written there as JSON.
 */

const connections = 16;
const seconds = 3;
const rounds = 5;
const members = 100;
const password = 'a password for measuring';

interface Shot {
	method: 'GET' | 'POST';
	path: string;
	headers: Record<string, string>;
	body?: string;
}

/** One call on a connection that is kept; fails when it is not answered with 200. */
function fire(agent: Agent, port: number, { method, path, headers, body }: Shot): Promise<void> {
	return new Promise((resolve, reject) => {
		const asking = request({ agent, host: '127.0.0.1', port, method, path, headers }, (answer) => {
			answer.resume().on('end', () => {
				if (answer.statusCode === 200) resolve();
				else reject(new Error(`${method} ${path} was answered ${answer.statusCode}.`));
			});
		});
		asking.on('error', reject);
		asking.end(body);
	});
}

/** Answers in a second, with as many calls under way as there are connections, each of another person. */
async function countPerSecond(port: number, shotOf: (n: number) => Shot): Promise<number> {
	const agent = new Agent({ keepAlive: true, maxSockets: connections });
	let answers = 0;
	const began = performance.now();
	const isOver = () => performance.now() - began > seconds * 1000;
	const caller = async (shot: Shot) => {
		while (!isOver()) {
			await fire(agent, port, shot);
			answers += 1;
		}
	};
	await Promise.all(Array.from({ length: connections }, (_, n) => caller(shotOf(n))));
	const took = performance.now() - began;
	agent.destroy();
	return (answers * 1000) / took;
}

async function startFloor(port: number, env: Record<string, string>) {
	const script = fileURLToPath(new URL('floor.ts', import.meta.url));
	const child = spawn(process.execPath, [script], {
		env: { PATH: process.env.PATH, PORT: String(port), ...env },
		stdio: ['pipe', 'pipe', 'inherit']
	});
	await once(child.stdout, 'data');
	return child;
}

const postgres = await startPostgres();
process.env.TEST_DATABASE_URL = postgres.url;
const { url, drop } = await createDatabase();
const [encryptionKey, lookupKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
const gatewayToken = randomBytes(24).toString('hex');
const server = await startServer({
	database: 'postgres',
	env: {
		DATABASE_URL: url,
		ENCRYPTION_KEY: encryptionKey,
		LOOKUP_KEY: lookupKey,
		GATEWAY_TOKEN: gatewayToken,
		LOG_LEVEL: 'warn',
		SMTP_URL: ''
	}
});
const floorPort = server.port + 1;
const floor = await startFloor(floorPort, {
	DATABASE_URL: url,
	ENCRYPTION_KEY: encryptionKey,
	LOOKUP_KEY: lookupKey
});

const database = await openDatabase({ DATABASE_URL: url, DATA_FOLDER: '' });
const { db } = database;
const names = (n: number) => ({ email: `p${n}@example.test`, firstName: 'Person', lastName: `No ${n}` });
const owner = await insertPerson(db, names(0), password, '10.0.0.1');
const cookie = owner.cookies.map((pair) => pair.join('=')).join('; ');
const api = createTRPCClient<AppRouter>({
	links: [httpLink({ url: `${server.origin}/trpc`, headers: { origin: server.origin, cookie } })]
});
const { id, slug } = await api.organizations.request.mutate({ name: 'Northwind' });
await sql`update organization set status = 'approved', decided_at = now() where id = ${id}`.execute(db);
const cookiesOf = [cookie];
for (let n = 1; n < members; n++) {
	const person = { ...names(n), role: 'team_member' } as const;
	const { cookies } = await insertMember(db, { id, owner }, person, password, '10.0.0.2');
	cookiesOf.push(cookies.map((pair) => pair.join('=')).join('; '));
}
const application = await api.applications.create.mutate({ organizationId: id, name: 'Tracking' });
const { secret } = await api.credentials.reveal.mutate({
	organizationId: id,
	applicationId: application.id,
	credentialId: application.credentials[0]?.id ?? ''
});
await sql`analyze`.execute(db);
await database.close();

const getting = (path: string) => (n: number) => {
	return { method: 'GET', path, headers: { cookie: cookiesOf[n] ?? '' } } as const;
};
const asked = (path: string, input: object) =>
	getting(`/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`);
const introspecting = (path: string) => (): Shot => ({
	method: 'POST',
	path,
	headers: {
		authorization: `Bearer ${gatewayToken}`,
		'content-type': 'application/x-www-form-urlencoded'
	},
	body: `token=${secret}`
});
const measured: {
	name: string;
	portico: (n: number) => Shot;
	floor: (n: number) => Shot;
	target: number;
}[] = [
	{
		name: 'a session is looked up (sessions.list)',
		portico: asked('sessions.list', {}),
		floor: getting('/session'),
		target: 0.6
	},
	{
		name: `an organization of ${members} members (organizations.open)`,
		portico: asked('organizations.open', { slug }),
		floor: getting(`/members?slug=${slug}`),
		target: 0.6
	},
	{
		name: 'a gateway asks for a credential (introspect)',
		portico: introspecting('/api/introspect'),
		floor: introspecting('/introspect'),
		target: 0.7
	}
];

console.log(
	`Answers in a second, ${connections} connections, the median of ${rounds} runs of ${seconds} s in turns.\n`
);
console.log(
	`${''.padEnd(58)}${'floor'.padStart(8)}${'Portico'.padStart(9)}${'ratio'.padStart(7)}${'target'.padStart(8)}`
);
const results = [];
try {
	for (const { name, portico, floor, target } of measured) {
		const counts = { portico: [] as number[], floor: [] as number[] };
		for (let round = -1; round < rounds; round++) {
			const of = {
				floor: await countPerSecond(floorPort, floor),
				portico: await countPerSecond(server.port, portico)
			};
			// The first round only warms up.
			if (round < 0) continue;
			counts.floor.push(of.floor);
			counts.portico.push(of.portico);
		}
		const [least, ours] = [middleOf(counts.floor), middleOf(counts.portico)];
		results.push({ name, floor: least, portico: ours, ratio: ours / least, target });
		console.log(
			`${name.padEnd(58)}${least.toFixed(0).padStart(8)}${ours.toFixed(0).padStart(9)}${(ours / least).toFixed(2).padStart(7)}${target.toFixed(2).padStart(8)}`
		);
	}
	const [file] = process.argv.slice(2);
	if (file) await writeFile(file, `${JSON.stringify(results, null, '\t')}\n`);
} finally {
	floor.stdin.end();
	await server.dispose();
	await drop();
	await postgres.stop();
}
