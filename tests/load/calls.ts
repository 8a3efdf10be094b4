import { writeFile } from 'node:fs/promises';
import { createDatabase } from '../harness.ts';
import { startPostgres } from '../setup/postgres.ts';
import { openLine, type Line, type Shot } from './line.ts';
import { middleOf } from './probes.ts';
import { startBetterAuth, startFloor, startKit } from './rivals.ts';
import { offers, setScene } from './scene.ts';

/**
 * `npm run bench:calls`: how many of the calls that everybody makes are answered in a second, beside the least that
 * could answer them (floor.ts, duties.ts), beside better-auth where it has the same call, and rendered pages beside a bare
 * page of SvelteKit of as many bytes. On one PostgreSQL, in turns. With a path, the figures are written there as JSON.
 * BENCH_ONLY takes the calls with these words in their names, beside the floor alone.
 */

const connections = 16;
const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const only = process.env.BENCH_ONLY;
const members = 100;

/** What the caller with that number asks the `turn`th time; nothing when there is no more to ask. */
type Asking = (caller: number, turn: number) => Shot | undefined;
/** Who is asked, and what. */
interface Contestant {
	port: number;
	asks: Asking;
	/** Before each run. */
	prepare?: () => Promise<unknown>;
}

/**
 * Answers in a second, with as many calls under way as there are connections, each of another person; and within how many
 * milliseconds 99 of 100 came.
 */
async function shoot({ port, asks, prepare }: Contestant): Promise<{ perSecond: number; p99: number }> {
	await prepare?.();
	const lines: Line[] = [];
	const times: number[] = [];
	const began = performance.now();
	const isOver = () => performance.now() - began > seconds * 1000;
	const call = async (caller: number) => {
		const line = openLine(port);
		lines.push(line);
		for (let turn = 0; !isOver(); turn++) {
			const shot = asks(caller, turn);
			if (!shot) return;
			const sent = performance.now();
			await line.ask(shot);
			times.push(performance.now() - sent);
		}
	};
	await Promise.all(Array.from({ length: connections }, (_, caller) => call(caller)));
	const took = performance.now() - began;
	for (const line of lines) line.end();
	times.sort((one, other) => one - other);
	return { perSecond: (times.length * 1000) / took, p99: times[Math.floor(times.length * 0.99)] ?? 0 };
}

const postgres = await startPostgres();
process.env.TEST_DATABASE_URL = postgres.url;
const scene = await setScene(connections, members);
const { server, slug, teams } = scene;
const [floorPort, rivalPort, kitPort] = [server.port + 1, server.port + 2, server.port + 3];
const floor = await startFloor({ PORT: String(floorPort), DATABASE_URL: scene.url, ...scene.keys });
const rivalDatabase = await createDatabase();
const rivalSettings = {
	DATABASE_URL: rivalDatabase.url,
	PORT: String(rivalPort),
	PEOPLE: String(members),
	CALLERS: String(connections),
	OFFERS: String(offers)
};
const rivals = only === undefined ? [await startBetterAuth(rivalSettings), await startKit(kitPort)] : [];
const there = JSON.parse(rivals[0]?.said ?? '{"cookies":[],"teams":[],"invitations":[]}') as {
	cookies: string[];
	organizationId: string;
	teams: { organizationId: string; memberId: string }[];
	invitations: string[][];
};

const getting =
	(path: string, cookies?: string[]): Asking =>
	(caller) => ({ method: 'GET', path, headers: { cookie: cookies?.[caller] ?? '' } });
const sending =
	(
		path: string,
		{ origin, cookies }: { origin: string; cookies: string[] },
		inputOf: (caller: number, turn: number) => object | undefined
	): Asking =>
	(caller, turn) => {
		const input = inputOf(caller, turn);
		const headers = { cookie: cookies[caller] ?? '', origin, 'content-type': 'application/json' };
		return input && { method: 'POST', path, headers, body: JSON.stringify(input) };
	};
const introspecting = (path: string) => (): Shot => ({
	method: 'POST',
	path,
	headers: {
		authorization: `Bearer ${scene.gatewayToken}`,
		'content-type': 'application/x-www-form-urlencoded'
	},
	body: `token=${scene.secret}`
});

const forwarding = (): Shot => ({
	method: 'GET',
	path: '/api/forward-auth',
	headers: { 'x-portico-gateway-token': scene.gatewayToken, authorization: `Bearer ${scene.secret}` }
});

const here = { origin: server.origin, cookies: scene.cookies };
const asked = (path: string, input: object): Contestant => ({
	port: server.port,
	asks: getting(`/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`, scene.cookies)
});
/** The same change at Portico and at the floor, with input that the two of them need. */
const changing = (
	procedure: string,
	path: string,
	inputOf: (caller: number, turn: number) => object | undefined,
	prepare?: () => Promise<unknown>
): { portico: Contestant; floor: Contestant } => ({
	portico: {
		port: server.port,
		asks: sending(`/trpc/${procedure}`, here, inputOf),
		...(prepare && { prepare })
	},
	floor: { port: floorPort, asks: sending(path, here, inputOf), ...(prepare && { prepare }) }
});
const atRival = (asks: Asking, prepare?: () => Promise<unknown>): Contestant => ({
	port: rivalPort,
	asks,
	...(prepare && { prepare })
});
const auth = '/api/auth';
const atAuth = { origin: `http://127.0.0.1:${rivalPort}`, cookies: there.cookies };
const invitee = () => ({ email: `invitee${(counter += 1)}@example.test` });
let counter = 0;

/** A bare page of as many bytes as this one of Portico's. */
async function pageOf(path: string, cookies?: string[]): Promise<{ portico: Contestant; floor: Contestant }> {
	// Under its own name: under another one it leads away.
	const { host } = new URL(server.origin);
	const asks = (caller: number) =>
		({ method: 'GET', path, headers: { host, cookie: cookies?.[caller] ?? '' } }) as const;
	const portico = { port: server.port, asks };
	const lines = [openLine(server.port), openLine(kitPort)] as const;
	const bytes = await lines[0].ask(asks(0));
	const bare = await lines[1].ask({ method: 'GET', path: '/', headers: {} });
	for (const line of lines) line.end();
	const half = Math.max(0, Math.round((bytes - bare) / 2));
	return { portico, floor: { port: kitPort, asks: getting(`/?half=${half}`) } };
}

const pages = async (): Promise<Measured[]> => [
	{ name: 'the page to sign in, rendered', ...(await pageOf('/login')), targets: [0.5] },
	{
		name: `the dashboard of ${members} members, rendered`,
		...(await pageOf(`/orgs/${slug}`, scene.cookies)),
		targets: [0.3]
	}
];

interface Measured {
	name: string;
	portico: Contestant;
	floor: Contestant;
	rival?: Contestant;
	/** Shares of the floor's and multiples of the rival's answers that are aimed at. */
	targets: [floor: number, rival?: number];
}

const measured: Measured[] = [
	{
		name: 'a session is looked up (sessions.list)',
		portico: asked('sessions.list', {}),
		floor: { port: floorPort, asks: getting('/session', scene.cookies) },
		rival: atRival(getting(`${auth}/get-session`, there.cookies)),
		targets: [0.6, 4]
	},
	{
		name: `an organization of ${members} members (organizations.open)`,
		portico: asked('organizations.open', { slug }),
		floor: { port: floorPort, asks: getting(`/members?slug=${slug}`, scene.cookies) },
		rival: atRival(
			getting(
				`${auth}/organization/get-full-organization?organizationId=${there.organizationId}&membersLimit=${members}`,
				there.cookies
			)
		),
		targets: [0.6, 4]
	},
	{
		name: 'a gateway asks for a credential (introspect)',
		portico: { port: server.port, asks: introspecting('/api/introspect') },
		floor: { port: floorPort, asks: introspecting('/introspect') },
		targets: [0.7]
	},
	{
		// Beside the same question to the database: what is answered from memory asks none.
		name: 'a gateway asks about a request (forward-auth)',
		portico: { port: server.port, asks: forwarding },
		floor: { port: floorPort, asks: introspecting('/introspect') },
		targets: [2]
	},
	{
		name: 'somebody is invited (invitations.create)',
		...changing('invitations.create', '/invitation', (caller) => ({
			organizationId: teams[caller]?.organizationId,
			...invitee(),
			firstName: 'In',
			lastName: 'Vitee',
			role: 'team_member'
		})),
		rival: atRival(
			sending(`${auth}/organization/invite-member`, atAuth, (caller) => ({
				...invitee(),
				role: 'member',
				organizationId: there.teams[caller]?.organizationId
			}))
		),
		targets: [0.6, 2]
	},
	{
		name: 'an invitation is accepted (acceptMine)',
		...changing(
			'invitations.acceptMine',
			'/accept',
			(caller, turn) => {
				const invitationId = scene.offered[caller]?.[turn];
				return invitationId === undefined ? undefined : { invitationId };
			},
			scene.offerAgain
		),
		rival: atRival(
			sending(`${auth}/organization/accept-invitation`, atAuth, (caller, turn) => {
				const invitationId = there.invitations[caller]?.[turn];
				return invitationId === undefined ? undefined : { invitationId };
			}),
			() => fetch(`${atAuth.origin}/offer-again`)
		),
		targets: [0.6, 2]
	},
	{
		name: 'a role is changed (members.update)',
		...changing('members.update', '/role', (caller, turn) => {
			const team = teams[caller];
			const role = turn % 2 === 0 ? 'super_admin' : 'team_member';
			return { organizationId: team?.organizationId, ...team?.member, role };
		}),
		rival: atRival(
			sending(`${auth}/organization/update-member-role`, atAuth, (caller, turn) => ({
				...there.teams[caller],
				role: turn % 2 === 0 ? 'owner' : 'member'
			}))
		),
		targets: [0.6, 2]
	},
	{
		name: 'an application is made (applications.create)',
		...changing('applications.create', '/application', (caller) => ({
			organizationId: teams[caller]?.organizationId,
			name: `Application ${(counter += 1)}`
		})),
		targets: [0.6]
	},
	{
		name: 'a credential is revealed (credentials.reveal)',
		...changing('credentials.reveal', '/reveal', (caller) => scene.credentials[caller]),
		targets: [0.6]
	},
	...(only === undefined ? await pages() : [])
];

const columns = (...texts: string[]) => texts.map((text) => text.padStart(9)).join('');
console.log(
	`Answers in a second, and within how many ms 99 of 100 came; ${connections} connections, the median of ${rounds} runs of ${seconds} s in turns.\n`
);
console.log(
	`${''.padEnd(56)}${columns('floor', 'Portico', 'ratio', 'target', 'p99', 'p99', 'b-auth', 'ratio', 'target')}`
);
const results = [];
try {
	for (const { name, targets, rival, ...others } of measured.filter((one) => one.name.includes(only ?? ''))) {
		const contestants = { ...others, ...(rival && only === undefined && { rival }) };
		const runs = new Map(
			Object.values(contestants).map((one) => [one, [] as { perSecond: number; p99: number }[]])
		);
		for (let round = -1; round < rounds; round++) {
			for (const [one, of] of runs) {
				const run = await shoot(one);
				// The first round only warms up.
				if (round >= 0) of.push(run);
			}
		}
		const of = (one: Contestant, what: 'perSecond' | 'p99') =>
			middleOf((runs.get(one) ?? []).map((run) => run[what]));
		const { floor: bare } = contestants;
		const [portico, least] = [of(contestants.portico, 'perSecond'), of(bare, 'perSecond')];
		const p99 = { floor: of(bare, 'p99'), portico: of(contestants.portico, 'p99') };
		const rivalling = contestants.rival ? of(contestants.rival, 'perSecond') : null;
		results.push({ name, floor: least, portico, p99, betterAuth: rivalling, targets });
		const beside = (those: number, target: number | undefined) => [
			(portico / those).toFixed(2),
			target?.toFixed(2) ?? ''
		];
		console.log(
			name.padEnd(56) +
				columns(
					least.toFixed(0),
					portico.toFixed(0),
					...beside(least, targets[0]),
					p99.floor.toFixed(1),
					p99.portico.toFixed(1),
					...(rivalling === null ? [] : [rivalling.toFixed(0), ...beside(rivalling, targets[1])])
				)
		);
	}
	const [file] = process.argv.slice(2);
	if (file) await writeFile(file, `${JSON.stringify(results, null, '\t')}\n`);
} finally {
	for (const one of [floor, ...rivals]) await one.end();
	await scene.end();
	await rivalDatabase.drop();
	await postgres.stop();
}
