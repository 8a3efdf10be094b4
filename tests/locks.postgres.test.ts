import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { password, refusal, getPortal, unique, type Company, type Portal } from './factories.ts';
import { waitingForLocks } from './race.ts';

/** In which order calls wait for each other, and that nobody waits for those whom they have nothing to do with. */
let portal: Portal;
let company: Company;
const open: pg.Client[] = [];
beforeAll(async () => {
	portal = await getPortal();
	company = await portal.company({ admin: portal.admin });
});
afterAll(async () => {
	for (const client of open) await client.end().catch(() => undefined);
	await portal.stop();
});

/** A connection outside of the portal, in a transaction. */
async function begin() {
	const client = new pg.Client(portal.server.databaseUrl ?? '');
	client.on('error', () => undefined);
	open.push(client);
	await client.connect();
	await client.query('begin');
	return client;
}

const waiting = async (client: pg.Client) => {
	const { rows } = await client.query<{ waiting: number }>(waitingForLocks);
	return rows[0]?.waiting ?? 0;
};

const holdOrganization = (client: pg.Client, id: string) =>
	client.query('select id from organization where id = $1 for update', [id]);

test('every foreign key has an index of its own, so that what goes along is found', async () => {
	const client = await begin();
	const { rows } = await client.query(
		`select conrelid::regclass::text as "table", conname as "key" from pg_constraint
		where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
			select from pg_index
			where indrelid = conrelid and indpred is null
				and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
		)`
	);
	expect(rows).toEqual([]);
	const { rows: keys } = await client.query(`select conname from pg_constraint where contype = 'f'`);
	expect(keys.length).toBeGreaterThan(5);
	await client.query('rollback');
});

test('deleting an account writes to no row of organizations that nobody has locked', async () => {
	const client = await begin();
	const { rows } = await client.query(
		`select conname from pg_constraint where contype = 'f' and confdeltype in ('n', 'd')`
	);
	expect(rows).toEqual([]);
	await client.query('rollback');
});

test('accounts are deleted while their colleagues go on, and nobody is told of a fault', async () => {
	const members = [];
	for (let index = 0; index < 6; index += 1) members.push(await portal.member(company));
	for (const one of members) await portal.application(company, one);
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	let isOver = false;
	const statuses: number[] = [];
	const note = (error: unknown) =>
		statuses.push((error as { data?: { httpStatus: number } }).data?.httpStatus ?? 0);
	const busy = snapshot.applications.map(async (application, index) => {
		for (let round = 0; !isOver; round += 1) {
			await company.owner.api.applications.update
				.mutate({
					organizationId: company.id,
					applicationId: application.id,
					name: `${application.name} ${round}`,
					description: `${index}`
				})
				.catch(note);
		}
	});
	await Promise.all(
		members.map((one) =>
			one.api.accounts.deleteOwn.mutate({ currentPassword: password, email: one.email }).catch(note)
		)
	);
	isOver = true;
	await Promise.all(busy);
	expect(statuses).toEqual([]);
});

test('a deadlock with somebody else’s transaction is tried again', async () => {
	const member = await portal.member(company);
	const client = await begin();
	// The other side of the deadlock looks for one later than the portal does.
	await client.query(`set deadlock_timeout = '60s'`);
	await client.query('select id from membership where id = $1 for update', [member.memberId]);
	const updating = company.owner.api.members.update.mutate({
		organizationId: company.id,
		memberId: member.memberId,
		firstName: 'Tried',
		lastName: unique('Again'),
		role: 'team_member'
	});
	const other = await begin();
	await vi.waitFor(async () => expect(await waiting(other)).toBe(1), { timeout: 240_000 });
	await holdOrganization(client, company.id);
	await client.query('rollback');
	await other.query('rollback');
	expect(await updating).toMatchObject({ firstName: 'Tried' });
});

test('calls of one organization wait in the process, and hold up nobody else', async () => {
	const client = await begin();
	await holdOrganization(client, company.id);
	const names = Array.from({ length: 40 }, () => unique('Application'));
	let answered = 0;
	const calls = names.map((name) =>
		company.owner.api.applications.create
			.mutate({ organizationId: company.id, name, description: '' })
			.finally(() => (answered += 1))
	);
	const stranger = await portal.person();
	const other = await begin();
	await vi.waitFor(async () => expect(await waiting(other)).toBe(1), { timeout: 240_000 });
	// A stranger's own calls and pages, the check of the process, and a guess at the busy organization.
	await stranger.api.organizations.request.mutate({ name: unique('Elsewhere') });
	expect((await stranger.request('/dashboard')).status).toBe(303);
	expect((await stranger.request('/readyz')).status).toBe(200);
	const guess = stranger.api.applications.create.mutate({
		organizationId: company.id,
		name: unique('Guess'),
		description: ''
	});
	expect(await refusal(guess)).toMatchObject({ status: 404 });
	// All of it while the forty wait, one of them for the row.
	expect(await waiting(other)).toBe(1);
	expect(answered).toBe(0);
	await client.query('rollback');
	await other.query('rollback');
	expect((await Promise.all(calls)).map(({ name }) => name).toSorted()).toEqual(names.toSorted());
});

/** What a call waits for before anything is read, and what its event waits for, which goes out with its commit. */
const rows = {
	'its organization': (client: pg.Client) => holdOrganization(client, company.id),
	'the portal': (client: pg.Client) => client.query('select from portal for update')
};
test.each(Object.entries(rows))(
	'who waits too long for the row of %s is told when to try again, and nothing is half done',
	async (_, hold) => {
		const client = await begin();
		await hold(client);
		const name = unique('Too late');
		const response = await company.owner.request('/trpc/applications.create', {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ organizationId: company.id, name, description: '' })
		});
		await client.query('rollback');
		expect(response.status).toBe(503);
		expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
		expect(await response.text()).toContain('Try again in a few seconds');
		const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
		expect(snapshot.applications.map((one) => one.name)).not.toContain(name);
	}
);

test('events of a stream are in the order of time, whoever writes at once', async () => {
	const { rows: begun } = await (await begin()).query('select clock_timestamp() as now');
	const companies = await Promise.all(
		Array.from({ length: 4 }, () => portal.company({ admin: portal.admin }))
	);
	await Promise.all(companies.flatMap((one) => Array.from({ length: 8 }, () => portal.application(one))));
	const client = await begin();
	const { rows } = await client.query(
		`select * from (
			select seq, portal_seq, at,
				lag(at, 1, '-infinity') over (partition by organization_id, seq is null order by seq) as at_before,
				lag(at, 1, '-infinity') over (partition by portal_seq is null order by portal_seq) as portal_before
			from event where at >= $1
		) as numbered
		where (seq is not null and at < at_before) or (portal_seq is not null and at < portal_before)`,
		[begun[0].now]
	);
	await client.query('rollback');
	expect(rows).toEqual([]);
});
