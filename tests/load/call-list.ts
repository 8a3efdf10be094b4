import { openLine, type Shot } from './line.ts';
import type { Scene } from './scene.ts';

/** What calls.ts measures: each call at Portico, at the floor and at better-auth, and how much of theirs is aimed at. */

/** What the caller with that number asks the `turn`th time; nothing when there is no more to ask. */
type Asking = (caller: number, turn: number) => Shot | undefined;
/** Who is asked, and what. */
export interface Contestant {
	port: number;
	asks: Asking;
	/** Before each run. */
	prepare?: () => Promise<unknown>;
}

export interface Measured {
	name: string;
	portico: Contestant;
	floor: Contestant;
	rival?: Contestant | undefined;
	/** Shares of the floor's and multiples of the rival's answers that are aimed at. */
	targets: [floor: number, rival?: number];
}

/** What better-auth says of its people when it is there. */
export interface RivalScene {
	cookies: string[];
	organizationId: string;
	teams: { organizationId: string; memberId: string }[];
	invitations: string[][];
}

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

/** A bare page of as many bytes as this one of Portico's. */
async function pageOf(
	server: Scene['server'],
	kitPort: number,
	path: string,
	cookies?: string[]
): Promise<{ portico: Contestant; floor: Contestant }> {
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

/** The rendered pages, beside a bare one of SvelteKit. */
export async function listPages(
	{ server, slug, cookies, members }: Scene,
	kitPort: number
): Promise<Measured[]> {
	return [
		{
			name: 'the page to sign in, rendered',
			...(await pageOf(server, kitPort, '/login')),
			targets: [0.5]
		},
		{
			name: `the dashboard of ${members} members, rendered`,
			...(await pageOf(server, kitPort, `/orgs/${slug}`, cookies)),
			targets: [0.3]
		}
	];
}

/** @param there better-auth's people; without them the calls are measured beside the floor alone. */
export function listCalls(
	scene: Scene,
	ports: { floor: number; rival: number },
	there: RivalScene | null
): Measured[] {
	const { server, slug, teams, members } = scene;
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
		floor: { port: ports.floor, asks: sending(path, here, inputOf), ...(prepare && { prepare }) }
	});
	const atRival = (asks: Asking, prepare?: () => Promise<unknown>): Contestant | undefined =>
		there ? { port: ports.rival, asks, ...(prepare && { prepare }) } : undefined;
	const auth = '/api/auth';
	const atAuth = { origin: `http://127.0.0.1:${ports.rival}`, cookies: there?.cookies ?? [] };
	const invitee = () => ({ email: `invitee${(counter += 1)}@example.test` });
	let counter = 0;

	return [
		{
			name: 'a session is looked up (sessions.list)',
			portico: asked('sessions.list', {}),
			floor: { port: ports.floor, asks: getting('/session', scene.cookies) },
			rival: atRival(getting(`${auth}/get-session`, there?.cookies)),
			targets: [0.6, 4]
		},
		{
			name: `an organization of ${members} members (organizations.open)`,
			portico: asked('organizations.open', { slug }),
			floor: { port: ports.floor, asks: getting(`/members?slug=${slug}`, scene.cookies) },
			rival: atRival(
				getting(
					`${auth}/organization/get-full-organization?organizationId=${there?.organizationId}&membersLimit=${members}`,
					there?.cookies
				)
			),
			targets: [0.6, 4]
		},
		{
			name: 'a gateway asks for a credential (introspect)',
			portico: { port: server.port, asks: introspecting('/api/introspect') },
			floor: { port: ports.floor, asks: introspecting('/introspect') },
			targets: [0.7]
		},
		{
			// Beside the same question to the database: what is answered from memory asks none.
			name: 'a gateway asks about a request (forward-auth)',
			portico: { port: server.port, asks: forwarding },
			floor: { port: ports.floor, asks: introspecting('/introspect') },
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
					organizationId: there?.teams[caller]?.organizationId
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
					const invitationId = there?.invitations[caller]?.[turn];
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
					...there?.teams[caller],
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
		}
	];
}
