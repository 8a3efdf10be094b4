import { z } from 'zod';
import type { LiveEvent } from '#lib/events.ts';
import { isoOf, type Db } from '../database.ts';
import type { Tables } from '../tables.ts';
import type { Selectable } from 'kysely';
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

/** The latest events, newest first; with `before`, those older than that number. */
export async function listEvents(
	db: Db,
	source: Source,
	length: number,
	before?: number
): Promise<LiveEvent[]> {
	const column = columnOf(source);
	const rows = await selectStream(db, source)
		.$if(before !== undefined, (query) => query.where(column, '<', before ?? 0))
		.orderBy(column, 'desc')
		.limit(length)
		.execute();
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

async function listPage(db: Db, source: Source, before: number | undefined) {
	const found = await listEvents(db, source, pageLength + 1, before);
	return { events: found.slice(0, pageLength), hasMore: found.length > pageLength };
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

export const activityRouter = router({
	list: organizationProcedure({ before: seq.optional() }).query(({ ctx, input }) =>
		listPage(ctx.db, { organizationId: ctx.organization.id }, input.before)
	),
	since: organizationProcedure({ after: seq }).query(({ ctx, input }) =>
		listSince(ctx.db, { organizationId: ctx.organization.id }, input.after)
	),
	listPortal: adminProcedure({ before: seq.optional() }).query(({ ctx, input }) =>
		listPage(ctx.db, 'portal', input.before)
	),
	sincePortal: adminProcedure({ after: seq }).query(({ ctx, input }) =>
		listSince(ctx.db, 'portal', input.after)
	)
});
