import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Selectable } from 'kysely';
import { z } from 'zod';
import {
	activityFilter,
	countLimit,
	eventCursor,
	type ActivityEntry,
	type ActivityFilter,
	type ActivityPage,
	type EventCursor
} from '#lib/activity.ts';
import { isKnown, type EventName, type LiveEvent } from '#lib/events.ts';
import { fullName } from '#lib/views.ts';
import type { Stream } from '#lib/wire.ts';
import { compileOnce } from '../../database/compiled.ts';
import type { Db, Trx } from '../../database/database.ts';
import { share } from '../../database/gathering.ts';
import { ordered, takePage, type Order } from '../../database/paging.ts';
import type { Tables } from '../../database/tables.ts';
import { transact } from '../../database/transaction.ts';
import {
	adminProcedure,
	ofOneMoment,
	gatheredProcedure,
	organizationProcedure,
	router
} from '../../api/trpc.ts';
import { liveEventOf } from '../../news/events.ts';

const pageLength = 50;
/** Who missed more than this loads the page again instead. */
const catchUpLength = 500;

/**
 * The event as a member reads it who joined at that time: why a request was rejected once is between the portal and who
 * asked, and stays there when the company is approved after all and others join.
 */
export function forMember<Event extends LiveEvent>(event: Event, joinedAt: Date): Event {
	const { payload, at } = event;
	if (!isKnown(event) || !('organization' in payload) || Date.parse(at) >= joinedAt.getTime()) return event;
	const organization = { ...payload.organization, rejectionReason: null };
	return { ...event, payload: { ...payload, organization } };
}

const columnOf = ({ kind }: Stream) => (kind === 'portal' ? 'portalSeq' : 'seq');

function selectStream(db: Db, stream: Stream) {
	const rows = db.selectFrom('event').selectAll().where(columnOf(stream), 'is not', null);
	return stream.kind === 'portal' ? rows : rows.where('organizationId', '=', stream.organizationId);
}

export const toEvents = (rows: Selectable<Tables['event']>[], stream: Stream['kind']) =>
	rows.flatMap((row) => liveEventOf(row, stream) ?? []);

/** The latest events of a stream, newest first: see {@link toEvents}. */
export const selectLatest = (db: Db, stream: Stream, length: number) =>
	selectStream(db, stream).orderBy(columnOf(stream), 'desc').limit(length);
const selectLatestOfPortal = compileOnce((db: Db, length: number) =>
	selectLatest(db, { kind: 'portal' }, length)
);

/** The latest events of the portal, newest first. */
export const listEventsOfPortal = async (db: Db, length: number): Promise<LiveEvent[]> =>
	toEvents(await selectLatestOfPortal(db, length), 'portal');

/** The latest events of that name that portal admins are told, newest first. */
export async function listNamed(db: Db, name: EventName, length: number): Promise<LiveEvent[]> {
	const rows = await db
		.selectFrom('event')
		.selectAll()
		.where('name', '=', name)
		.orderBy('portalSeq', 'desc')
		.limit(length)
		.execute();
	return toEvents(rows, 'portal');
}

/** How many events of streams that are gone are deleted in one transaction. */
const sweepLength = 500;

/** Notes that the organizations go: what only they knew of themselves goes after them, by `sweepEvents`. */
export async function leaveEventsOf(db: Trx, organizationIds: string[]): Promise<void> {
	if (organizationIds.length === 0) return;
	await db
		.insertInto('goneStream')
		.values(organizationIds.map((organizationId) => ({ organizationId })))
		.execute();
}

/**
 * Deletes the events of organizations that are gone, some hundred in each transaction: there may be hundreds of thousands.
 * Half of the time it rests, since nobody waits for it and others need the database. One that breaks off is gone on with
 * the next time. What the portal's admins were told stays.
 */
export async function sweepEvents(db: Db): Promise<void> {
	for (;;) {
		const began = performance.now();
		const isMore = await transact(db, async (trx) => {
			const gone = await trx
				.selectFrom('goneStream')
				.select('organizationId')
				.orderBy('goneAt')
				.limit(1)
				.forUpdate()
				.skipLocked()
				.executeTakeFirst();
			if (!gone) return false;
			const { organizationId } = gone;
			const { numDeletedRows } = await trx
				.deleteFrom('event')
				.where('id', 'in', (eb) =>
					eb
						.selectFrom('event')
						.select('id')
						.where('organizationId', '=', organizationId)
						.where('seq', 'is not', null)
						.where('portalSeq', 'is', null)
						.orderBy('seq')
						.limit(sweepLength)
				)
				.executeTakeFirst();
			if (Number(numDeletedRows) < sweepLength) {
				await trx.deleteFrom('goneStream').where('organizationId', '=', organizationId).execute();
			}
			return true;
		});
		if (!isMore) return;
		await sleep(performance.now() - began);
	}
}

/**
 * Who reads: an organization's members its own stream, portal admins the events of all streams, personal spaces too. What
 * only an organization was told has no number in the portal's stream, so lists go by time and id.
 */
type Reader = Stream['kind'];

/** Each filter and each pair of them has its index. */
function selectFiltered(
	db: Db,
	reader: Reader,
	{ organizationId, personId, kind, from, to }: ActivityFilter
) {
	return db
		.selectFrom('event')
		.selectAll()
		.$if(reader === 'organization', (query) => query.where('seq', 'is not', null))
		.$if(organizationId !== undefined, (query) => query.where('organizationId', '=', organizationId ?? ''))
		.$if(personId !== undefined, (query) => query.where(sql<string>`actor->>'id'`, '=', personId ?? ''))
		.$if(kind !== undefined, (query) => query.where(sql<string>`split_part(name, '.', 1)`, '=', kind ?? ''))
		.$if(from !== undefined, (query) => query.where('at', '>=', new Date(from ?? 0)))
		.$if(to !== undefined, (query) => query.where('at', '<', new Date(to ?? 0)));
}

function toEntry(row: Selectable<Tables['event']>, reader: Reader): ActivityEntry[] {
	const stream = reader === 'portal' && row.portalSeq !== null ? 'portal' : 'organization';
	const event = liveEventOf(row, stream);
	return event ? [{ ...event, stream }] : [];
}

type Listing = { after?: EventCursor; length: number };

const newest: Order = {
	column: 'event.at',
	id: 'event.id',
	idType: 'bigint',
	direction: 'desc',
	form: 'micros'
};

/** The latest entries that a portal admin sees of an organization, newest first. */
export async function listLatest(db: Db, organizationId: string, length: number): Promise<ActivityEntry[]> {
	const rows = await ordered(selectFiltered(db, 'portal', { organizationId }), newest)
		.limit(length)
		.execute();
	return rows.flatMap((row) => toEntry(row, 'portal'));
}

async function findPerson(db: Db, reader: Reader, filter: ActivityFilter) {
	const { organizationId, personId: id } = filter;
	if (!id) return null;
	const known = organizationId
		? await db
				.selectFrom('memberName')
				.select('name')
				.where('organizationId', '=', organizationId)
				.where('userId', '=', id)
				.where('name', '!=', '')
				.executeTakeFirst()
		: undefined;
	if (known) return { id, name: known.name };
	const only = { personId: id, ...(organizationId && { organizationId }) };
	const event = await ordered(selectFiltered(db, reader, only), newest)
		.limit(1)
		.executeTakeFirst();
	if (event) return { id, name: event.actor.name };
	const account =
		reader === 'portal' &&
		(await db.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirst());
	return { id, name: account ? fullName(account) : 'Somebody who did nothing here' };
}

async function listPage(
	db: Db,
	reader: Reader,
	{ after, length, ...filter }: ActivityFilter & Listing
): Promise<ActivityPage> {
	const place = after && { value: after.at, id: after.id };
	const { rows, next } = await takePage(selectFiltered(db, reader, filter), newest, place, length);
	const counted = after
		? null
		: await db
				.selectFrom(
					// In order, by the index of the filter: where any will do, the planner reads all entries from the beginning.
					ordered(selectFiltered(db, reader, filter), newest)
						.limit(countLimit + 1)
						.as('fitting')
				)
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.executeTakeFirstOrThrow();
	const asked = reader === 'portal' ? filter.organizationId : undefined;
	const organizations = await nameOrganizations(db, rows, filter.organizationId);
	return {
		events: rows.flatMap((row) => toEntry(row, reader)),
		next: next && { at: next.value, id: next.id },
		count: counted && Number(counted.count),
		organizations,
		person: after ? null : await findPerson(db, reader, filter),
		organization: asked ? { id: asked, name: organizations[asked]?.name ?? 'A deleted organization' } : null
	};
}

async function nameOrganizations(db: Db, rows: Selectable<Tables['event']>[], asked?: string) {
	const ids = new Set(rows.flatMap(({ organizationId }) => organizationId ?? []));
	if (asked) ids.add(asked);
	if (ids.size === 0) return {};
	const found = await db
		.selectFrom('organization')
		.select(['id', 'name', 'isPersonal'])
		.where('id', 'in', [...ids])
		.execute();
	return Object.fromEntries(found.map(({ id, ...one }) => [id, one]));
}

/** What came after a number, oldest first; null when that is more than a page should take in one by one. */
async function listSince(db: Db, stream: Stream, after: number) {
	const column = columnOf(stream);
	const rows = await selectStream(db, stream)
		.where(column, '>', after)
		.orderBy(column)
		.limit(catchUpLength + 1)
		.execute();
	return { events: rows.length > catchUpLength ? null : toEvents(rows, stream.kind) };
}

/** Of an organization, by its id and the number: pages that come back together ask for the same. */
const shareSince = share(async (db, key) => {
	const [organizationId = '', after] = key.split(' ');
	return listSince(db, { kind: 'organization', organizationId }, Number(after));
});

const seq = z.number().int().min(0);
/** Exports ask for more at once than a page shows. */
const listing = {
	...activityFilter,
	after: eventCursor.optional(),
	length: z.number().int().min(1).max(500).default(pageLength)
};

export const activityRouter = router({
	list: organizationProcedure(listing)
		.use(ofOneMoment)
		.query(async ({ ctx: { db, organization, membership }, input }) => {
			const page = await listPage(db, 'organization', { ...input, organizationId: organization.id });
			return { ...page, events: page.events.map((event) => forMember(event, membership.joinedAt)) };
		}),
	since: gatheredProcedure({ after: seq }).query(async ({ ctx: { db, organization, membership }, input }) => {
		const { events } = await shareSince(db, `${organization.id} ${input.after}`);
		return { events: events && events.map((event) => forMember(event, membership.joinedAt)) };
	}),
	listPortal: adminProcedure({ ...listing, organizationId: z.uuid().optional() })
		.use(ofOneMoment)
		.query(({ ctx, input }) => listPage(ctx.db, 'portal', input)),
	sincePortal: adminProcedure({ after: seq }).query(({ ctx, input }) =>
		listSince(ctx.db, { kind: 'portal' }, input.after)
	)
});
