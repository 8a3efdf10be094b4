import Papa from 'papaparse';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { sayEvent } from '#lib/events.ts';
import {
	adminPassword,
	startPortal,
	unique,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import { seedEvents, seedOrganizations } from './load/seed.ts';

let portal: Portal;
let company: Company;
let member: Person;
let token: string;
let secret: string;
const hostile = ['=1+1', '+cmd', '-2', '@SUM(A1)', '="<b>“x”,y"'];

beforeAll(async () => {
	portal = await startPortal();
	company = await portal.company({ admin: portal.admin });
	member = await portal.member(company);
	({ token } = await portal.invitation(company));
	const organizationId = company.id;
	const { id: applicationId, credentials } = await portal.application(company, member);
	const credentialId = credentials[0]?.id ?? '';
	({ secret } = await member.api.credentials.reveal.mutate({ organizationId, applicationId, credentialId }));
	for (const name of hostile) {
		await member.api.applications.create.mutate({ organizationId, name, description: '' });
	}
	const other = await portal.company({ admin: portal.admin, owner: company.owner });
	await portal.application(other);
});
afterAll(() => portal.stop());

async function download(by: Visitor, path: string) {
	const answer = await by.request(path);
	return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

/** The cells of RFC 4180. */
function cellsOf(csv: string): string[][] {
	return Papa.parse<string[]>(csv, { newline: '\r\n', skipEmptyLines: true }).data;
}

describe('an export', () => {
	test('holds what the filter shows, in the same order, as CSV and as lines of JSON', async () => {
		const address = `?organization=${company.id}&person=${member.userId}&kind=application`;
		const { events: shown } = await portal.admin.api.activity.listPortal.query({
			organizationId: company.id,
			personId: member.userId,
			kind: 'application'
		});
		expect(shown).toHaveLength(1 + hostile.length);
		const csv = await download(portal.admin, `/api/activity.csv${address}`);
		expect(csv.status).toBe(200);
		expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
		expect(csv.headers.get('content-disposition')).toMatch(
			/^attachment; filename="activity-[\d-]{10}\.csv"$/
		);
		expect(csv.headers.get('cache-control')).toBe('private, no-store');
		expect(csv.headers.get('x-content-type-options')).toBe('nosniff');
		const [header, ...rows] = cellsOf(csv.body);
		expect(header).toEqual(
			'stream,number,time,person,person_id,acting_as,event,what_happened,organization,organization_id'.split(
				','
			)
		);
		expect(rows.map(([stream, number]) => [stream, Number(number)])).toEqual(
			shown.map(({ stream, seq }) => [stream, seq])
		);
		expect(rows.map((row) => row[7])).toEqual(shown.map(sayEvent));
		expect(new Set(rows.map((row) => row[8]))).toEqual(new Set([company.name]));

		const lines = await download(portal.admin, `/api/activity.jsonl${address}`);
		const objects = lines.body
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line) as object);
		expect(objects).toEqual(
			shown.map((event) => ({
				stream: event.stream,
				number: event.seq,
				at: event.at,
				actor: event.actor,
				event: event.name,
				text: sayEvent(event),
				organization: { id: company.id, name: company.name },
				payload: event.payload
			}))
		);
	});

	test('turns no name into a formula of a spreadsheet, and no cell into two', async () => {
		const formula = await portal.person({ firstName: '=HYPERLINK(A1)', lastName: 'a"b,c' });
		const named = await portal.company({
			owner: formula,
			admin: portal.admin,
			name: unique('@SUM(1+1)*cmd|')
		});
		for (const path of ['/api/activity.csv', `/api/organizations/${named.id}/activity.csv`]) {
			const { body } = await download(path.includes(named.id) ? formula : portal.admin, path);
			const cells = cellsOf(body).flat();
			expect(cells).toContain(`'=HYPERLINK(A1) a"b,c`);
			expect(cells).toContain(`'${named.name}`);
			expect(cells.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
		}
		// Day by day an address can be typed by hand: the range is that of the zone.
		const today = new Date().toISOString().slice(0, 10);
		const { body } = await download(portal.admin, `/api/activity.csv?from=${today}&to=${today}&zone=UTC`);
		expect(cellsOf(body).flat()).toContain(`'${named.name}`);
		expect(cellsOf((await download(portal.admin, '/api/activity.csv?to=2020-01-01')).body)).toHaveLength(1);
	});

	test('of an organization is its members’, and of the portal its admins’', async () => {
		const stranger = await portal.person();
		const own = `/api/organizations/${company.id}/activity`;
		for (const file of ['csv', 'jsonl']) {
			const statuses = async (path: string, ...by: Visitor[]) =>
				Promise.all(by.map(async (one) => (await download(one, `${path}.${file}`)).status));
			expect(await statuses('/api/activity', portal.visitor(), stranger, member)).toEqual([401, 403, 403]);
			expect(await statuses(own, portal.visitor(), stranger, portal.admin)).toEqual([401, 404, 404]);
			expect(await statuses(own, member, company.owner)).toEqual([200, 200]);
		}
		const refused = await download(stranger, `${own}.csv`);
		expect(refused.body).toBe('This was not found.');
		expect((await download(member, '/api/organizations/x/activity.csv')).status).toBe(400);
		const wrong = await download(portal.admin, `/api/activity.csv?person='or 1=1`);
		expect([wrong.status, wrong.body]).toEqual([400, 'The filter can’t be understood.']);
		const posted = await portal.admin.request('/api/activity.csv', { method: 'POST' });
		expect(posted.status).toBe(404);
	});

	// Looks into the database, which here would cost two starts.
	if (inject('database') === 'postgres') {
		test('and the list hold no token, no secret, no hash and no password', async () => {
			const rows = await portal.inDatabase((db) =>
				db
					.selectFrom('event')
					.select([
						sql<string>`encode(hash, 'hex')`.as('hash'),
						sql<string>`encode(portal_hash, 'hex')`.as('other')
					])
					.execute()
			);
			const hashes = rows.flatMap(({ hash, other }) => [hash, other]).filter(Boolean);
			const sources = await portal.inDatabase(async (db) => [
				...(await db.selectFrom('account').select('passwordHash').execute()).map((row) => row.passwordHash),
				...(await db.selectFrom('invitation').select('tokenHash').execute()).map((row) => row.tokenHash),
				...(await db.selectFrom('session').select('id').execute()).map((row) => row.id)
			]);
			const texts = await Promise.all([
				...['csv', 'jsonl'].flatMap((file) => [
					download(portal.admin, `/api/activity.${file}`),
					download(member, `/api/organizations/${company.id}/activity.${file}`)
				]),
				download(portal.admin, '/trpc/activity.listPortal?input={}'),
				download(portal.admin, '/admin/activity'),
				download(member, `/orgs/${company.slug}/activity`)
			]);
			expect(texts.map(({ status }) => status)).toEqual(Array(7).fill(200));
			for (const { body } of texts) {
				for (const hidden of [token, secret, secret.slice(4, -4), ...hashes, ...sources]) {
					expect(body.includes(hidden), hidden).toBe(false);
				}
			}
		});
	}
});

// Looks into the database, which here would cost two starts.
if (inject('database') === 'postgres') {
	describe('an export of twenty thousand entries', () => {
		beforeAll(() =>
			portal.inDatabase(async (db) => {
				await seedOrganizations(db, 10);
				await seedEvents(db, 20_000, 10);
			})
		);

		test('is whole, in order', async () => {
			const { count } = await portal.inDatabase((db) =>
				db
					.selectFrom('event')
					.select(({ fn }) => fn.countAll<number>().as('count'))
					.executeTakeFirstOrThrow()
			);
			const rows = cellsOf((await download(portal.admin, '/api/activity.csv')).body).slice(1);
			expect(rows).toHaveLength(Number(count));
			// A number counts in its stream: the portal's, or that of the organization at the end of the row.
			const places = rows.map(([stream, number, ...rest]) =>
				[stream, number, stream === 'portal' ? '' : rest.at(-1)].join()
			);
			expect(new Set(places).size).toBe(rows.length);
			const times = rows.map(([, , time]) => time);
			expect(times).toEqual(times.toSorted().toReversed());
			expect(rows.filter((row) => row.length !== 10)).toEqual([]);
		});

		test('waits for a reader who takes no more, and breaks off in front of one who has signed out', async () => {
			const colleague = portal.visitor();
			await colleague.api.sessions.create.mutate({ email: 'admin@example.test', password: adminPassword });
			const answer = await colleague.request('/api/activity.jsonl');
			const reader = answer.body?.getReader();
			await reader?.read();
			await colleague.api.sessions.delete.mutate({});
			const readOn = async () => {
				while (!(await reader?.read())?.done);
			};
			await expect(readOn()).rejects.toThrow('terminated');
			await portal.server.waitForLog(/an export was broken off/);
			expect((await portal.admin.request('/readyz')).status).toBe(200);
		});
	});
}
