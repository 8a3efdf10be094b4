import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { kindOf, type ActivityFilter, type ActivityPage, type EventCursor } from '#lib/activity.ts';
import { sayEvent } from '#lib/events.ts';
import type { Db } from '../src/database/database.ts';
import { refusal, startPortal, type Company, type Person, type Portal } from './factories.ts';

let portal: Portal;
let company: Company;
let member: Person;

beforeAll(async () => {
	portal = await startPortal();
	company = await portal.company({ admin: portal.admin });
	member = await portal.member(company);
	await portal.invitation(company);
	const { id: applicationId, credentials } = await portal.application(company, member);
	const credentialId = credentials[0]?.id ?? '';
	await member.api.credentials.reveal.mutate({ organizationId: company.id, applicationId, credentialId });
	await portal.application(company, member);
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
	// Looks into the database, which here would cost two starts.
	if (inject('database') === 'postgres') {
		test('of a portal admin comes in pages, whole, and holds what each organization and personal space was told', async () => {
			const person = await portal.person();
			const { organizations } = await person.api.sessions.get.query({});
			const [space] = organizations;
			const { name } = await portal.application({ ...company, id: space?.id ?? '', owner: person });
			const written = await portal.inDatabase((db) => db.selectFrom('event').select('id').execute());
			const events = await listPortal({});
			expect(written.length).toBeGreaterThan(10);
			expect(events.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(
				written.map(({ id }) => id).toSorted((a, b) => a - b)
			);
			expect(events.filter((event) => kindOf(event.name) === 'credential')).not.toEqual([]);
			const numbers = events.filter(({ stream }) => stream === 'portal').map(({ seq }) => seq);
			expect(numbers.toSorted((a, b) => b - a)).toEqual(numbers.map((_, i) => numbers.length - i));
			expect(new Set(numbers).size).toBeLessThan(events.length);
			const page = await portal.admin.api.activity.listPortal.query({});
			expect(page.count).toBe(events.length);
			const [first] = page.events;
			expect([first?.organizationId, first && sayEvent(first)]).toEqual([
				space?.id,
				`created the application ${name}`
			]);
			expect(page.organizations[space?.id ?? '']).toEqual({ name: 'Personal space', isPersonal: true });
		});
	}

	// Looks into the database, which here would cost two starts.
	if (inject('database') === 'postgres') {
		test('of events that share one moment is whole too', async () => {
			const person = await portal.person();
			const at = '2026-03-01 12:00:00.123456+00';
			await portal.inDatabase((db) => seed(db, { id: person.userId, count: 30, at: () => at }));
			const events = await listPortal({ personId: person.userId, kind: 'settings' });
			expect(new Set(events.map(({ id }) => id)).size).toBe(30);
			expect(events).toHaveLength(30);
		});
	}

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
		expect(page.organizations).toEqual({ [company.id]: { name: company.name, isPersonal: false } });
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
