import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCut } from './cut.ts';
import { startPortal, unique, type Company, type Portal } from './factories.ts';
import { createGateway, createKeyOf, forward } from './gateways.ts';
import { startServer, type Server } from './harness.ts';
import { createEcho, inItsTime, on } from './race.ts';

/** What ends a key ends it on every process, though each keeps its answers in memory. */

let portal: Portal;
let other: Server;
let way: Awaited<ReturnType<typeof startCut>>;
let token: string;
/** Until the other process has heard what was done before. */
let echo: () => Promise<void>;
beforeAll(async () => {
	portal = await startPortal();
	way = await startCut(portal.server.databaseUrl ?? '');
	const { dataFolder } = portal.server;
	other = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: way.url, DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url, TRUSTED_PROXIES: '1' }
	});
	({ token } = await createGateway(portal));
	echo = await createEcho(portal, other);
});
afterAll(async () => {
	await other.dispose();
	await way.stop();
	await portal.stop();
});

/** So long, in milliseconds, a process answers from memory at most where the news stay away. */
const soon = 2000;

async function ask(secret: string, origin = portal.server.origin) {
	const began = performance.now();
	const { status, headers, text } = await forward(origin, token, { 'x-api-key': secret });
	const { reason = null } = text ? (JSON.parse(text) as { reason?: string }) : {};
	const named = decodeURIComponent(
		`${headers.get('x-portico-organization') ?? ''} / ${headers.get('x-portico-application') ?? ''}`
	);
	return { began, status, reason, named };
}

/** Both processes know the key by heart. */
async function warm(secret: string): Promise<void> {
	for (const { origin } of [portal.server, other, portal.server, other]) {
		expect(await ask(secret, origin)).toMatchObject({ status: 200 });
	}
}

const inCompany = async () => {
	const company = await portal.company({ admin: portal.admin });
	return { company, ...(await createKeyOf(company)) };
};
const inSpace = async () => {
	const person = await portal.person();
	const company = await portal.space(person);
	return { company, ...(await createKeyOf(company)) };
};
type Furnished = Awaited<ReturnType<typeof inCompany>>;
const organizationId = ({ company }: Furnished) => ({ organizationId: company.id });

/** Each thing that ends a key or changes what is said of it. */
const ends: [
	string,
	() => Promise<Furnished>,
	(key: Furnished) => Promise<unknown>,
	{ status: number; reason?: string; named?: (company: Company) => string }
][] = [
	[
		'revoked',
		inCompany,
		({ company, place }) => company.owner.api.credentials.revoke.mutate(place),
		{ status: 401, reason: 'revoked' }
	],
	[
		'rotated at once',
		inCompany,
		({ company, place }) => company.owner.api.credentials.rotate.mutate({ ...place, overlapSeconds: 0 }),
		{ status: 401, reason: 'rotated' }
	],
	[
		'application deleted',
		inCompany,
		({ company, place: { credentialId: _, ...place } }) =>
			company.owner.api.applications.delete.mutate(place),
		{ status: 401, reason: 'unknown' }
	],
	[
		'organization suspended',
		inCompany,
		(key) => portal.admin.api.organizations.suspend.mutate(organizationId(key)),
		{ status: 403, reason: 'organization' }
	],
	[
		'account of a personal space deactivated',
		inSpace,
		({ company }) => portal.admin.api.accounts.deactivate.mutate({ accountId: company.owner.userId }),
		{ status: 403, reason: 'account' }
	],
	[
		'account of a personal space deleted',
		inSpace,
		({ company }) => portal.admin.api.accounts.delete.mutate({ accountId: company.owner.userId }),
		{ status: 401, reason: 'unknown' }
	],
	[
		'application renamed',
		inCompany,
		({ company, place: { credentialId: _, ...place } }) =>
			company.owner.api.applications.update.mutate({ ...place, name: 'Renamed', description: '' }),
		{ status: 200, named: ({ name }) => `${name} / Renamed` }
	],
	[
		'organization renamed by a Super admin',
		inCompany,
		({ company }) => {
			company.name = unique('By its own');
			return company.owner.api.organizations.rename.mutate({
				organizationId: company.id,
				name: company.name
			});
		},
		{ status: 200, named: ({ name }) => name }
	],
	[
		'organization renamed by a portal admin',
		inCompany,
		({ company }) => {
			company.name = unique('By the portal');
			return portal.admin.api.organizations.correct.mutate({
				organizationId: company.id,
				name: company.name
			});
		},
		{ status: 200, named: ({ name }) => name }
	],
	[
		'application moved to an organization',
		inSpace,
		async ({ company, place: { credentialId: _, ...place } }) => {
			const target = await portal.company({ owner: company.owner, admin: portal.admin });
			company.name = target.name;
			return company.owner.api.applications.move.mutate({ ...place, targetId: target.id, name: 'Moved' });
		},
		{ status: 200, named: ({ name }) => `${name} / Moved` }
	]
];

test('whatever ends a key is in force from the next request on where it was done, and elsewhere once the news are there', async () => {
	for (const [what, furnish, end, { named, ...expected }] of ends) {
		const key = await furnish();
		await warm(key.secret);
		await end(key);
		const here = await ask(key.secret);
		await echo();
		const there = await ask(key.secret, other.origin);
		for (const answer of [here, there]) {
			expect(answer, what).toMatchObject(expected);
			if (named) expect(answer.named, what).toContain(named(key.company));
		}
	}
});

test('what is done on one process is in force at once on both, also where it lets somebody in again', async () => {
	const key = await inCompany();
	await warm(key.secret);
	await on(other, portal.admin).organizations.suspend.mutate(organizationId(key));
	expect(await ask(key.secret, other.origin)).toMatchObject({ status: 403 });
	await expect.poll(async () => (await ask(key.secret)).status, { interval: 5 }).toBe(403);
	await on(other, portal.admin).organizations.restore.mutate(organizationId(key));
	expect(await ask(key.secret, other.origin)).toMatchObject({ status: 200 });
	await expect.poll(async () => (await ask(key.secret)).status, { interval: 5 }).toBe(200);
});

test('a key ends at its own time, and an organization that is deleted when its time has come takes its keys along', async () => {
	const { company, application, secret } = await inCompany();
	const place = { organizationId: company.id, applicationId: application.id };
	const { credentials } = company.owner.api;
	const { short, life } = await inItsTime(async (life) => {
		const made = { ...place, label: unique('Short'), expiresInSeconds: life / 1000 };
		const { id } = await credentials.create.mutate(made);
		const { secret: short } = await credentials.reveal.mutate({ ...place, credentialId: id });
		await warm(short);
		return { short, life };
	});
	await setTimeout(life);
	for (const { origin } of [portal.server, other]) {
		expect(await ask(short, origin)).toMatchObject({ status: 401, reason: 'expired' });
	}
	await company.owner.api.organizations.scheduleDeletion.mutate({
		organizationId: company.id,
		name: company.name
	});
	await portal.inDatabase((db) =>
		db
			.updateTable('organization')
			.set({ deletesAt: new Date(Date.now() - 1000) })
			.where('id', '=', company.id)
			.execute()
	);
	const isGone = () =>
		portal.inDatabase(async (db) => {
			const row = await db
				.selectFrom('organization')
				.select('id')
				.where('id', '=', company.id)
				.executeTakeFirst();
			return row === undefined;
		});
	// Known by heart until the very moment.
	await expect
		.poll(
			async () => {
				await Promise.all([ask(secret), ask(secret, other.origin)]);
				return isGone();
			},
			{ interval: 100 }
		)
		.toBe(true);
	for (const { origin } of [portal.server, other]) {
		const reason = async () => (await ask(secret, origin)).reason;
		await expect.poll(reason, { interval: 5 }).toBe('unknown');
	}
});

test('200 times: no check that begins after a revocation was answered says that the key works', async () => {
	const { company, application } = await inCompany();
	const place = { organizationId: company.id, applicationId: application.id };
	const { credentials } = company.owner.api;
	for (let round = 1; round <= 200; round++) {
		const { id } = await credentials.create.mutate({ ...place, label: `Round ${round}` });
		const { secret } = await credentials.reveal.mutate({ ...place, credentialId: id });
		await warm(secret);
		const letIn = { here: [] as number[], there: [] as number[] };
		let isOver = false;
		const keepAsking = async (began: number[], origin: string) => {
			// Once more after the end.
			for (let isLast = false; !isLast;) {
				isLast = isOver;
				const answer = await ask(secret, origin);
				if (answer.status === 200) began.push(answer.began);
			}
		};
		const asking = [
			keepAsking(letIn.here, portal.server.origin),
			keepAsking(letIn.here, portal.server.origin),
			keepAsking(letIn.there, other.origin)
		];
		await credentials.revoke.mutate({ ...place, credentialId: id });
		const revoked = performance.now();
		await expect.poll(async () => (await ask(secret, other.origin)).status, { interval: 2 }).toBe(401);
		const heard = performance.now();
		isOver = true;
		await Promise.all(asking);
		expect(
			[letIn.here.filter((began) => began > revoked), letIn.there.filter((began) => began > heard)],
			`round ${round}`
		).toEqual([[], []]);
	}
});

test('a process that has lost the news says nothing from memory after two seconds, and hears again', async () => {
	const keys = [await inCompany(), await inCompany()];
	for (const { secret } of keys) await warm(secret);
	const [first, later] = keys;
	if (!first || !later) throw new Error('Two keys were made.');
	const revoke = ({ company, place }: Furnished) => company.owner.api.credentials.revoke.mutate(place);
	way.deafen();
	const deaf = performance.now();
	await revoke(first);
	let lastLetIn = deaf;
	await expect
		.poll(
			async () => {
				const { status, began } = await ask(first.secret, other.origin);
				if (status === 200) lastLetIn = began;
				return status === 401 && performance.now() - deaf > soon + 500;
			},
			{ interval: 5 }
		)
		.toBe(true);
	expect(lastLetIn - deaf).toBeLessThan(soon);
	// Asked anew each time: what is done elsewhere is seen from the next request on.
	expect(await ask(later.secret, other.origin)).toMatchObject({ status: 200 });
	// Tokens that somebody makes up cost no statement each, and keep no gateway waiting.
	const before = way.statements;
	const madeUp = Array.from({ length: 100 }, (_, n) => {
		const wrong = `pgw_${String(n).padStart(43, 'a')}`;
		return forward(other.origin, wrong, { 'x-api-key': later.secret });
	});
	expect(await ask(later.secret, other.origin)).toMatchObject({ status: 200 });
	for (const { status } of await Promise.all(madeUp)) expect(status).toBe(401);
	expect(way.statements - before).toBeLessThan(70);
	await revoke(later);
	expect(await ask(later.secret, other.origin)).toMatchObject({ status: 401 });

	way.hear();
	const key = await inCompany();
	await warm(key.secret);
	const isFromMemory = async () => {
		const before = way.statements;
		for (let time = 0; time < 20; time++) await ask(key.secret, other.origin);
		return way.statements - before < 20;
	};
	await expect.poll(isFromMemory).toBe(true);
	expect((await ask(first.secret, other.origin)).status).toBe(401);
	await revoke(key);
	await echo();
	expect(await ask(key.secret, other.origin)).toMatchObject({ status: 401, reason: 'revoked' });
});
