import { sql, type Selectable, type SqlBool } from 'kysely';
import { z } from 'zod';
import {
	activityFilter,
	countLimit,
	eventCursor,
	type ActivityFilter,
	type ActivityPage,
	type EventCursor
} from '#lib/activity.ts';
import type { LiveEvent } from '#lib/events.ts';
import { fullName } from '#lib/views.ts';
import { isoOf, type Db } from '../database.ts';
import type { Tables } from '../tables.ts';
import { adminProcedure, organizationProcedure, router } from '../trpc.ts';

const pageLength = 50;
/** Who missed more than this loads the page again instead. */
const catchUpLength = 500;

/** The numbered stream of one organization, that of the portal's admins, or what this one tells of one organization. */
type Source = { organizationId: string } | { ofOrganization: string } | 'portal';

/** An event as a stream tells it, or null when it isn't told there. */
export function liveEventOf(
	row: Selectable<Tables['event']>,
	stream: 'organization' | 'portal'
): LiveEvent | null {
	const seq = stream === 'portal' ? row.portalSeq : row.seq;
	if (seq === null) return null;
	const { name, organizationId, actor, payload } = row;
	// The name decides the payload's type, which the database can't know.
	return { id: String(row.id), seq, organizationId, name, actor, payload, at: isoOf(row.at) } as LiveEvent;
}

function selectStream(db: Db, source: Source) {
	const rows = db.selectFrom('event').selectAll();
	if (source === 'portal') return rows.where('portalSeq', 'is not', null);
	return 'organizationId' in source
		? rows.where('organizationId', '=', source.organizationId).where('seq', 'is not', null)
		: rows.where('organizationId', '=', source.ofOrganization).where('portalSeq', 'is not', null);
}

const kindOf = (source: Source) =>
	typeof source === 'object' && 'organizationId' in source ? 'organization' : 'portal';
const columnOf = (source: Source) => (kindOf(source) === 'portal' ? 'portalSeq' : 'seq');

export const toEvents = (rows: Selectable<Tables['event']>[], source: Source) =>
	rows.flatMap((row) => liveEventOf(row, kindOf(source)) ?? []);

/** The latest events, newest first. */
export async function listEvents(db: Db, source: Source, length: number): Promise<LiveEvent[]> {
	const rows = await selectStream(db, source).orderBy(columnOf(source), 'desc').limit(length).execute();
	return toEvents(rows, source);
}

/** Takes along what only the organization itself knew of it, once it is gone. What the portal's admins were told stays. */
export async function deleteEventsOf(db: Db, organizationId: string): Promise<void> {
	await db
		.deleteFrom('event')
		.where('organizationId', '=', organizationId)
		.where('seq', 'is not', null)
		.where('portalSeq', 'is', null)
		.execute();
}

type Filter = Omit<ActivityFilter, 'organizationId'>;

/** In the order of time; each filter and each pair of them has its index. */
function selectFiltered(db: Db, source: Source, { personId, kind, from, to }: Filter) {
	return selectStream(db, source)
		.$if(personId !== undefined, (query) => query.where(sql<string>`actor->>'id'`, '=', personId ?? ''))
		.$if(kind !== undefined, (query) => query.where(sql<string>`split_part(name, '.', 1)`, '=', kind ?? ''))
		.$if(from !== undefined, (query) => query.where('at', '>=', new Date(from ?? 0)))
		.$if(to !== undefined, (query) => query.where('at', '<', new Date(to ?? 0)));
}

async function findPerson(db: Db, source: Source, id: string | undefined) {
	if (!id) return null;
	const event = await selectFiltered(db, source, { personId: id })
		.orderBy('at', 'desc')
		.orderBy(columnOf(source), 'desc')
		.limit(1)
		.executeTakeFirst();
	if (event) return { id, name: event.actor.name };
	const account =
		kindOf(source) === 'portal' &&
		(await db.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirst());
	return { id, name: account ? fullName(account) : 'Somebody who did nothing here' };
}

async function listPage(
	db: Db,
	source: Source,
	{ after, length, ...filter }: Filter & { after?: EventCursor; length: number }
): Promise<ActivityPage> {
	const column = columnOf(source);
	const fitting = selectFiltered(db, source, filter);
	const rows = await fitting
		.select(sql<number>`(extract(epoch from at) * 1000000)::bigint`.as('micros'))
		.$if(after !== undefined, (query) =>
			query.where(
				sql<SqlBool>`(at, ${sql.ref(column)}) < (
					timestamptz 'epoch' + ${after?.at}::double precision * interval '1 microsecond', ${after?.seq}::bigint
				)`
			)
		)
		.orderBy('at', 'desc')
		.orderBy(column, 'desc')
		.limit(length + 1)
		.execute();
	const shown = rows.slice(0, length);
	const last = shown.at(-1);
	const counted = after
		? null
		: await db
				.selectFrom(fitting.limit(countLimit + 1).as('fitting'))
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.executeTakeFirstOrThrow();
	const [asked = null] = source === 'portal' ? [] : Object.values(source);
	const organizations = await nameOrganizations(db, shown, asked);
	return {
		seq: await getSeq(db, source),
		events: toEvents(shown, source),
		next: rows.length > length && last ? { at: last.micros, seq: last[column] ?? 0 } : null,
		count: counted && Number(counted.count),
		organizations,
		person: after ? null : await findPerson(db, source, filter.personId),
		organization: asked ? { id: asked, name: organizations[asked] ?? 'A deleted organization' } : null
	};
}

async function getSeq(db: Db, source: Source): Promise<number> {
	const heads =
		typeof source === 'object' && 'organizationId' in source
			? db.selectFrom('organization').where('id', '=', source.organizationId).select('lastSeq')
			: db.selectFrom('portal').select('lastSeq');
	return (await heads.executeTakeFirstOrThrow()).lastSeq;
}

async function nameOrganizations(db: Db, rows: Selectable<Tables['event']>[], asked: string | null) {
	const ids = new Set(rows.flatMap(({ organizationId }) => organizationId ?? []));
	if (asked) ids.add(asked);
	if (ids.size === 0) return {};
	const found = await db
		.selectFrom('organization')
		.select(['id', 'name'])
		.where('id', 'in', [...ids])
		.execute();
	return Object.fromEntries(found.map(({ id, name }) => [id, name]));
}

/** What came after a number, oldest first; null when that is more than a page should take in one by one. */
async function listSince(db: Db, source: Source, after: number) {
	const column = columnOf(source);
	const rows = await selectStream(db, source)
		.where(column, '>', after)
		.orderBy(column)
		.limit(catchUpLength + 1)
		.execute();
	return { events: rows.length > catchUpLength ? null : toEvents(rows, source) };
}

const seq = z.number().int().min(0);
/** Exports ask for more at once than a page shows. */
const listing = {
	...activityFilter,
	after: eventCursor.optional(),
	length: z.number().int().min(1).max(500).default(pageLength)
};

export const activityRouter = router({
	list: organizationProcedure(listing).query(({ ctx, input: { organizationId, ...input } }) =>
		listPage(ctx.db, { organizationId }, input)
	),
	since: organizationProcedure({ after: seq }).query(({ ctx, input }) =>
		listSince(ctx.db, { organizationId: ctx.organization.id }, input.after)
	),
	listPortal: adminProcedure({ ...listing, organizationId: z.uuid().optional() }).query(
		({ ctx, input: { organizationId, ...input } }) =>
			listPage(ctx.db, organizationId ? { ofOrganization: organizationId } : 'portal', input)
	),
	sincePortal: adminProcedure({ after: seq }).query(({ ctx, input }) =>
		listSince(ctx.db, 'portal', input.after)
	)
});
