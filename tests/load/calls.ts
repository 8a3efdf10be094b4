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
/** What the caller with that number asks the `turn`th time; nothing when there is no more to ask. */
type Asking = (caller: number, turn: number) => Shot | undefined;

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
async function countPerSecond(port: number, shotOf: Asking): Promise<number> {
	const agent = new Agent({ keepAlive: true, maxSockets: connections });
	let answers = 0;
	const began = performance.now();
	const isOver = () => performance.now() - began > seconds * 1000;
	const call = async (caller: number) => {
		for (let turn = 0; !isOver(); turn++) {
			const shot = shotOf(caller, turn);
			if (!shot) return;
			await fire(agent, port, shot);
			answers += 1;
		}
	};
	await Promise.all(Array.from({ length: connections }, (_, caller) => call(caller)));
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

/** A team for each connection, so that none waits for another's lock; the limits are as wide as the settings let them be. */
await sql`
	update portal set
		changes_per_person = 100000, changes_per_organization = 100000, invitations_per_inviter = 10000,
		invitations_per_day = 10000, max_open_invitations = 10000, max_applications = 10000`.execute(db);
const teams: { organizationId: string; member: { memberId: string; firstName: string; lastName: string } }[] =
	[];
for (let n = 0; n < connections; n++) {
	const team = await sql<{ id: string }>`
		insert into organization (slug, name, name_key, status, requested_by)
		select ${`team-${n}`}, ${`Team ${n}`}, ${`team ${n}`}, 'approved', id from account where email = ${names(n).email}
		returning id`.execute(db);
	const organizationId = team.rows[0]?.id ?? '';
	const people = await sql<{ id: string }>`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select ${organizationId}, id, first_name, last_name, case email when ${names(n).email} then 'super_admin' else 'team_member' end
		from account where email in (${names(n).email}, ${names(n + connections).email}) order by email = ${names(n).email}
		returning id`.execute(db);
	const { firstName, lastName } = names(n + connections);
	teams.push({ organizationId, member: { memberId: people.rows[0]?.id ?? '', firstName, lastName } });
}
/** Each of the callers is invited by each of these. */
const offers = 60;
await sql`
	insert into organization (slug, name, name_key, status, requested_by)
	select 'offer-' || n, 'Offer ' || n, 'offer ' || n, 'approved', (select id from account where email = ${names(50).email})
	from generate_series(1, ${offers}) as n`.execute(db);
await sql`
	insert into membership (organization_id, user_id, first_name, last_name, role)
	select organization.id, account.id, account.first_name, account.last_name, 'super_admin'
	from organization join account on account.id = requested_by where slug like 'offer-%'`.execute(db);
await sql`
	insert into invitation (organization_id, email, first_name, last_name, role, token_hash, invited_by, expires_at)
	select organization.id, email, first_name, last_name, 'team_member', slug || email, requested_by, now() + interval '7 days'
	from organization, account
	where slug like 'offer-%' and email = any(${Array.from({ length: connections }, (_, n) => names(n).email)})`.execute(
	db
);
const offered = await sql<{ email: string; ids: string[] }>`
	select email, array_agg(invitation.id) as ids from invitation join organization on organization.id = organization_id
	where slug like 'offer-%' group by email`.execute(db);
const offersOf = new Map(offered.rows.map(({ email, ids }) => [email, ids]));
async function offerAgain() {
	await sql`
		delete from membership using organization
		where organization.id = organization_id and slug like 'offer-%' and user_id <> requested_by`.execute(db);
	await sql`
		update invitation set state = 'pending' from organization
		where organization.id = organization_id and slug like 'offer-%'`.execute(db);
}
await sql`analyze`.execute(db);

const getting = (path: string) => (caller: number) => {
	return { method: 'GET', path, headers: { cookie: cookiesOf[caller] ?? '' } } as const;
};
const asked = (path: string, input: object) =>
	getting(`/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`);
const sending = (path: string, caller: number, input: object): Shot => ({
	method: 'POST',
	path,
	headers: { cookie: cookiesOf[caller] ?? '', origin: server.origin, 'content-type': 'application/json' },
	body: JSON.stringify(input)
});
const introspecting = (path: string) => (): Shot => ({
	method: 'POST',
	path,
	headers: {
		authorization: `Bearer ${gatewayToken}`,
		'content-type': 'application/x-www-form-urlencoded'
	},
	body: `token=${secret}`
});
/** The same change at both, with input that the two of them need. */
const changing = (
	procedure: string,
	path: string,
	inputOf: (caller: number, turn: number) => object | undefined
) => {
	const at = (where: string) => (caller: number, turn: number) => {
		const input = inputOf(caller, turn);
		return input && sending(where, caller, input);
	};
	return { portico: at(`/trpc/${procedure}`), floor: at(path), target: 0.6 };
};
let counter = 0;
const keys = new Map<number, { organizationId: string; applicationId: string; credentialId: string }>();
for (const [caller, { organizationId }] of teams.entries()) {
	const own = createTRPCClient<AppRouter>({
		links: [
			httpLink({
				url: `${server.origin}/trpc`,
				headers: { origin: server.origin, cookie: cookiesOf[caller] ?? '' }
			})
		]
	});
	const { id: applicationId, credentials } = await own.applications.create.mutate({
		organizationId,
		name: 'First'
	});
	keys.set(caller, { organizationId, applicationId, credentialId: credentials[0]?.id ?? '' });
}

const measured: {
	name: string;
	portico: Asking;
	floor: Asking;
	target: number;
	/** Before each run. */
	prepare?: () => Promise<void>;
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
	},
	{
		name: 'somebody is invited (invitations.create)',
		...changing('invitations.create', '/invitation', (caller) => ({
			organizationId: teams[caller]?.organizationId,
			email: `invitee${(counter += 1)}@example.test`,
			firstName: 'In',
			lastName: 'Vitee',
			role: 'team_member'
		}))
	},
	{
		name: 'an invitation is accepted (acceptMine)',
		prepare: offerAgain,
		...changing('invitations.acceptMine', '/accept', (caller, turn) => {
			const invitationId = offersOf.get(names(caller).email)?.[turn];
			return invitationId === undefined ? undefined : { invitationId };
		})
	},
	{
		name: 'a role is changed (members.update)',
		...changing('members.update', '/role', (caller, turn) => {
			const team = teams[caller];
			const role = turn % 2 === 0 ? 'super_admin' : 'team_member';
			return { organizationId: team?.organizationId, ...team?.member, role };
		})
	},
	{
		name: 'an application is made (applications.create)',
		...changing('applications.create', '/application', (caller) => ({
			organizationId: teams[caller]?.organizationId,
			name: `Application ${(counter += 1)}`
		}))
	},
	{
		name: 'a credential is revealed (credentials.reveal)',
		...changing('credentials.reveal', '/reveal', (caller) => keys.get(caller))
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
	for (const { name, portico, floor, target, prepare } of measured) {
		const counts = { portico: [] as number[], floor: [] as number[] };
		for (let round = -1; round < rounds; round++) {
			await prepare?.();
			const least = await countPerSecond(floorPort, floor);
			await prepare?.();
			const of = { floor: least, portico: await countPerSecond(server.port, portico) };
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
	await database.close();
	floor.stdin.end();
	await server.dispose();
	await drop();
	await postgres.stop();
}
