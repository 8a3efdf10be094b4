import { sql } from 'kysely';
import { text, z } from '#lib/schema.ts';
import {
	barsOf,
	usageRanges,
	type ApplicationRequests,
	type ApplicationUsage,
	type CredentialRequests,
	type Requests,
	type UsageAnswer,
	type UsageBar,
	type UsageRange
} from '#lib/usage.ts';
import { cursor } from '#lib/views.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { takePage, type Order } from '../../database/paging.ts';
import { organizationProcedure, router } from '../../api/trpc.ts';
import { getApplicationRow, selectShown } from '../credentials/credentials.ts';
import { listLastUses } from '../credentials/uses.ts';

/** What has been counted, as pages show it. Each question reads the counts of one window, however long the history is. */

const range = z.enum(Object.keys(usageRanges) as [UsageRange, ...UsageRange[]]);

type Counted = { at: Date; id: string; label: string; lastFour: string; answer: UsageAnswer; count: number };

/** What was counted of an application since then, by bar, credential and answer. */
async function listCounted(
	db: Db,
	applicationId: string,
	range: UsageRange,
	since: Date
): Promise<Counted[]> {
	const { bar, source } = usageRanges[range];
	const { rows } = await sql<Counted>`
		select
			date_trunc(${bar}, usage_count.at, 'UTC') as at, credential.id, credential.label, credential.last_four,
			usage_count.answer, sum(usage_count.count)::bigint as count
		from credential join usage_count on usage_count.credential_id = credential.id
		where credential.application_id = ${applicationId}
			and usage_count.span = ${source} and usage_count.at >= ${since}
		group by 1, credential.id, usage_count.answer`.execute(db);
	return rows;
}

/** The bars in which somebody was counting. */
async function listWatched(db: Db, range: UsageRange, since: Date): Promise<Set<number>> {
	const { bar, source } = usageRanges[range];
	const { rows } = await sql<{ at: Date }>`
		select distinct date_trunc(${bar}, at, 'UTC') as at from usage_watch
		where span = ${source} and at >= ${since}`.execute(db);
	return new Set(rows.map(({ at }) => at.getTime()));
}

function addTo(requests: Requests, { answer, count }: Pick<Counted, 'answer' | 'count'>): void {
	requests[answer === 'allowed' ? 'allowed' : 'refused'] += count;
}
const none = (): Requests => ({ allowed: 0, refused: 0 });

/** A bar without a count is a zero where somebody was counting and the application existed; else it is a gap. */
function drawBars(
	starts: Date[],
	counted: Counted[],
	{ watched, createdAt }: { watched: Set<number>; createdAt: Date }
): UsageBar[] {
	const byBar = Map.groupBy(counted, ({ at }) => at.getTime());
	return starts.map((at, index) => {
		const rows = byBar.get(at.getTime());
		const end = starts[index + 1]?.getTime() ?? Infinity;
		if (!rows && !(watched.has(at.getTime()) && end > createdAt.getTime()))
			return { at: isoOf(at), requests: null };
		const requests = none();
		for (const row of rows ?? []) addTo(requests, row);
		return { at: isoOf(at), requests };
	});
}

function sumByCredential(counted: Counted[]): CredentialRequests[] {
	const sums = new Map<string, CredentialRequests>();
	for (const row of counted) {
		const { id, label, lastFour } = row;
		const sum = sums.get(id) ?? { id, label, lastFour, ...none() };
		addTo(sum, row);
		sums.set(id, sum);
	}
	const all = ({ allowed, refused }: Requests) => allowed + refused;
	return [...sums.values()].sort((one, other) => all(other) - all(one));
}

function sumRefusals(counted: Counted[]): ApplicationUsage['refusals'] {
	const sums = new Map<Exclude<UsageAnswer, 'allowed'>, number>();
	for (const { answer, count } of counted)
		if (answer !== 'allowed') sums.set(answer, (sums.get(answer) ?? 0) + count);
	return [...sums]
		.map(([answer, count]) => ({ answer, count }))
		.sort((one, other) => other.count - one.count);
}

/** Where a list of what was counted goes on: the last row's time, and its credential with the answer. */
const place = cursor.extend({ id: text(100) });
/** By when it was counted, the oldest first. */
const oldestFirst: Order = {
	column: 'counted.at',
	id: 'counted.id',
	idType: 'text',
	direction: 'asc',
	form: 'moment'
};
/** How many rows one call lists. */
const pageLength = 1000;

export const usageRouter = router({
	/** How often an application was used in the last hour, day, month or year, by which of its credentials. */
	get: organizationProcedure({ applicationId: z.uuid(), range }).query(
		async ({ ctx: { db, organization }, input }): Promise<ApplicationUsage> => {
			const { id, createdAt } = await getApplicationRow(db, organization.id, input.applicationId);
			const starts = barsOf(input.range, Date.now());
			const since = starts[0] as Date;
			const counted = await listCounted(db, id, input.range, since);
			const watched = await listWatched(db, input.range, since);
			const shown = await selectShown(
				db,
				db.selectFrom('application').select('id').where('id', '=', id)
			).execute();
			const total = none();
			for (const row of counted) addTo(total, row);
			return {
				bars: drawBars(starts, counted, { watched, createdAt }),
				total,
				refusals: sumRefusals(counted),
				credentials: sumByCredential(counted),
				lastUses: await listLastUses(
					db,
					shown.map((one) => one.id)
				)
			};
		}
	),

	/** Of each application the requests of 24 hours and of 30 days; null while nothing was ever counted on the portal. */
	list: organizationProcedure({}).query(
		async ({ ctx: { db, organization } }): Promise<ApplicationRequests[] | null> => {
			const [day, month] = [barsOf('day', Date.now())[0], barsOf('month', Date.now())[0]];
			const sum = (span: string, isAllowed: boolean) => sql`
				coalesce(sum(count) filter (
					where usage_count.span = ${span} and ${isAllowed ? sql`answer = 'allowed'` : sql`answer <> 'allowed'`}
				), 0)::bigint`;
			const { rows } = await sql<
				{ id: string } & Record<'dayIn' | 'dayOut' | 'monthIn' | 'monthOut', number>
			>`
				select
					application.id,
					${sum('hour', true)} as day_in, ${sum('hour', false)} as day_out,
					${sum('day', true)} as month_in, ${sum('day', false)} as month_out
				from application
				left join credential on credential.application_id = application.id
				cross join (values ('hour', ${day}::timestamptz), ('day', ${month}::timestamptz)) as since (span, at)
				left join usage_count on usage_count.credential_id = credential.id
					and usage_count.span = since.span and usage_count.at >= since.at
				where application.organization_id = ${organization.id} and exists (select from usage_watch)
				group by application.id`.execute(db);
			if (rows.length === 0) return null;
			return rows.map(({ id, dayIn, dayOut, monthIn, monthOut }) => ({
				applicationId: id,
				day: { allowed: dayIn, refused: dayOut },
				month: { allowed: monthIn, refused: monthOut }
			}));
		}
	),

	/** What `get` sums up, row by row, the oldest first. */
	listRows: organizationProcedure({
		applicationId: z.uuid(),
		range,
		after: place.nullable().default(null)
	}).query(async ({ ctx: { db, organization }, input }) => {
		const { id } = await getApplicationRow(db, organization.id, input.applicationId);
		const [since] = barsOf(input.range, Date.now());
		const counted = db
			.selectFrom('usageCount')
			.innerJoin('credential', 'credential.id', 'usageCount.credentialId')
			.select(['at', 'credentialId', 'label', 'lastFour', 'answer', 'count'])
			.select(sql`usage_count.credential_id::text || ' ' || answer`.as('id'))
			.where('credential.applicationId', '=', id)
			.where('span', '=', usageRanges[input.range].source)
			.where('at', '>=', since as Date);
		const { rows, next } = await takePage(
			db
				.selectFrom(counted.as('counted'))
				.select(['at', 'credentialId', 'label', 'lastFour', 'answer', 'count']),
			oldestFirst,
			input.after,
			pageLength
		);
		return { rows: rows.map((row) => ({ ...row, at: isoOf(row.at) })), next };
	})
});
