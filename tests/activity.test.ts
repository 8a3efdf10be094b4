import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActivityFilter, ActivityPage, EventCursor } from '#lib/activity.ts';
import { sayEvent } from '#lib/events.ts';
import type { Db } from '../src/database.ts';
import {
	adminPassword,
	refusal,
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
	const application = await portal.application(company, member);
	const place = {
		organizationId,
		applicationId: application.id,
		credentialId: application.credentials[0]?.id ?? ''
	};
	({ secret } = await member.api.credentials.reveal.mutate(place));
	for (const name of hostile) {
		await member.api.applications.create.mutate({ organizationId, name, description: '' });
	}
	const other = await portal.company({ admin: portal.admin, owner: company.owner });
	await portal.application(other);
});
afterAll(() => portal.stop());

type Filter = Omit<ActivityFilter, 'organizationId'> & { organizationId?: string };

/** All pages of a list, as somebody sees them who presses "Show older" to the end. */
async function all(ask: (after?: EventCursor) => Promise<ActivityPage>) {
	let page = await ask();
	const events = [...page.events];
	while (page.next) {
		page = await ask(page.next);
		events.push(...page.events);
	}
	return events;
}
const listPortal = (filter: Filter, length = 7) =>
	all((after) => portal.admin.api.activity.listPortal.query({ ...filter, length, ...(after && { after }) }));
const listOwn = (filter: Filter = {}, length = 7) =>
	all((after) =>
		member.api.activity.list.query({ ...filter, organizationId: company.id, length, ...(after && { after }) })
	);

describe('the list', () => {
	test('comes in pages, whole and without an event twice', async () => {
		const events = await listPortal({});
		expect(events.map(({ seq }) => seq).toSorted((a, b) => b - a)).toEqual(
			Array.from({ length: events.length }, (_, i) => events.length - i)
		);
		expect(events.length).toBeGreaterThan(10);
		const { count, seq } = await portal.admin.api.activity.listPortal.query({});
		expect([count, seq]).toEqual([events.length, events.length]);
	});

	test('of events that share one moment is whole too', async () => {
		const person = await portal.person();
		const at = '2026-03-01 12:00:00.123456+00';
		await portal.inDatabase((db) => seed(db, { id: person.userId, count: 30, at: () => at }));
		const events = await listPortal({ personId: person.userId, kind: 'settings' });
		expect(new Set(events.map(({ id }) => id)).size).toBe(30);
		expect(events).toHaveLength(30);
	});

	test('holds what fits, by organization, person, kind and time, and each of them together', async () => {
		const everything = await listPortal({}, 500);
		const middle = everything[Math.floor(everything.length / 2)]?.at ?? '';
		const choices: Filter = {
			organizationId: company.id,
			personId: company.owner.userId,
			kind: 'application',
			from: middle
		};
		const names = Object.keys(choices) as (keyof Filter)[];
		// Every combination of the four and of the end of a range.
		for (let mask = 0; mask < 32; mask++) {
			const chosen = names.filter((_, i) => mask & (1 << i)).map((name) => [name, choices[name]]);
			const filter: Filter = { ...Object.fromEntries(chosen), ...(mask & 16 && { to: middle }) };
			const { organizationId, personId, kind, from, to } = filter;
			const expected = everything.filter(
				(event) =>
					(!organizationId || event.organizationId === organizationId) &&
					(!personId || event.actor.id === personId) &&
					(!kind || event.name.startsWith(`${kind}.`)) &&
					(!from || event.at >= from) &&
					(!to || event.at < to)
			);
			expect(
				(await listPortal(filter, 500)).map(({ id }) => id),
				JSON.stringify(filter)
			).toEqual(expected.map(({ id }) => id));
		}
	});

	test('names whom and what the filter means, and the organizations of its lines', async () => {
		const { userId, firstName, lastName } = company.owner;
		const filter = { organizationId: company.id, personId: userId };
		const page = await portal.admin.api.activity.listPortal.query(filter);
		expect(page.person).toEqual({ id: userId, name: `${firstName} ${lastName}` });
		expect(page.organization).toEqual({ id: company.id, name: company.name });
		expect(page.organizations).toEqual({ [company.id]: company.name });
	});

	test('of an organization is narrowed by person and kind, for its members alone', async () => {
		const mine = await listOwn({ personId: member.userId });
		expect(new Set(mine.map(({ actor }) => actor.id))).toEqual(new Set([member.userId]));
		const credentials = await listOwn({ kind: 'credential' });
		expect(credentials.map(({ name }) => name)).toContain('credential.revealed');
		expect(new Set(credentials.map(({ name }) => name.split('.')[0]))).toEqual(new Set(['credential']));
	});

	test('refuses a filter that is none', async () => {
		const ask = portal.admin.api.activity.listPortal.query;
		const wrong = [
			{ kind: 'toString' },
			{ personId: 'x' },
			{ from: 'yesterday' },
			{ length: 501 },
			{ before: 1 }
		];
		for (const input of wrong) {
			expect((await refusal(ask(input as Parameters<typeof ask>[0]))).status, JSON.stringify(input)).toBe(
				400
			);
		}
	});
});

async function download(by: Visitor, path: string) {
	const answer = await by.request(path);
	return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

/** The cells of RFC 4180. */
function cellsOf(csv: string): string[][] {
	const rows: string[][] = [[]];
	for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
		rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
		if (end === '\r\n') rows.push([]);
	}
	return rows.slice(0, -1);
}

describe('an export', () => {
	test('holds what the filter shows, in the same order, as CSV and as lines of JSON', async () => {
		const address = `?organization=${company.id}&person=${member.userId}&kind=application`;
		const shown = await listPortal({
			organizationId: company.id,
			personId: member.userId,
			kind: 'application'
		});
		expect(shown).toHaveLength(6);
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
			'number,time,person,person_id,acting_as,event,what_happened,organization,organization_id'.split(',')
		);
		expect(rows.map(([number]) => Number(number))).toEqual(shown.map(({ seq }) => seq));
		expect(rows.map((row) => row[6])).toEqual(shown.map(sayEvent));
		expect(new Set(rows.map((row) => row[7]))).toEqual(new Set([company.name]));

		const lines = await download(portal.admin, `/api/activity.jsonl${address}`);
		const objects = lines.body
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line) as object);
		expect(objects).toEqual(
			shown.map((event) => ({
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
});

describe('an export of twenty thousand entries', () => {
	beforeAll(() =>
		portal.inDatabase(async (db) => {
			await seedOrganizations(db, 10);
			await seedEvents(db, 20_000, 10);
		})
	);

	test('is whole, in order', async () => {
		const { lastSeq } = await portal.inDatabase((db) =>
			db.selectFrom('portal').select('lastSeq').executeTakeFirstOrThrow()
		);
		const rows = cellsOf((await download(portal.admin, '/api/activity.csv')).body).slice(1);
		const numbers = rows.map(([number]) => Number(number));
		expect(numbers).toHaveLength(lastSeq);
		expect(new Set(numbers).size).toBe(lastSeq);
		const times = rows.map(([, time]) => time);
		expect(times).toEqual(times.toSorted().toReversed());
		expect(rows.filter((row) => row.length !== 9)).toEqual([]);
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

/** Events of the portal that one person has made, written as the chain wants them. */
async function seed(db: Db, { id, count, at }: { id: string; count: number; at: (i: number) => string }) {
	const actor = { id, name: 'Seed', kind: 'admin' };
	const rows = Array.from({ length: count }, (_, i) => at(i));
	await sql`
		with recursive head as (select last_seq, last_hash from portal), given as (
			select ordinality as n, value::text::timestamptz as at
			from jsonb_array_elements_text(${JSON.stringify(rows)}::text::jsonb) with ordinality
		), chained as (
			select 0::bigint as n, last_seq as seq, last_hash as hash, null::timestamptz as at from head
			union all
			select given.n, seq + 1, event_hash(
				hash, 'portal', seq + 1, null, 'settings.updated', ${JSON.stringify(actor)}::text::jsonb,
				'{"settings": {}, "changed": []}', given.at
			), given.at
			from chained join given on given.n = chained.n + 1
		), written as (
			insert into event (portal_seq, portal_hash, name, actor, payload, at)
			select seq, hash, 'settings.updated', ${JSON.stringify(actor)}::text::jsonb,
				'{"settings": {}, "changed": []}', at
			from chained where n > 0
		)
		update portal set (last_seq, last_hash) = (select seq, hash from chained order by n desc limit 1)
	`.execute(db);
}
