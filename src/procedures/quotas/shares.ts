import { sql } from 'kysely';
import type { Db } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';

/** What processes may let through, as the database gives it out. */

export type Span = 'second' | 'month';

/** Whose requests are counted together, a credential's, an application's or those of one with a product, and how many there may be. */
export interface Limit {
	/** The credential's, application's or access's id. */
	subject: string;
	span: Span;
	/** Requests in one span of the calendar, in UTC; 0 for any number. */
	most: number;
	/** By which gateways and whoever calls an API know it. */
	name: string;
}

/** So many seconds a share of the requests a second is given for, with the one in which it is given. */
const leaseSeconds = 5;

export interface Share {
	subject: string;
	span: Span;
	/** Requests a second until `endsAt`, or requests once. */
	granted: number;
	/** How much of the month was given to all processes together, with this share; null for a second. */
	taken: number | null;
	/** Which percentage people have been told of. */
	told: number | null;
	/** The first second since 1970 in which it is void. */
	endsAt: number;
	/** The database's time, in milliseconds since 1970. */
	at: number;
}

/**
 * Takes shares, in one statement for all. Of a second, what other processes hold is left to them, and no process takes so
 * much that another one which wants more gets less than its part; of a month an eighth of what is left at most, so that
 * several processes come to its end together. What a process that dies has taken is given to nobody else in that span.
 */
export async function takeShares(
	db: Db,
	processId: string,
	asked: readonly (Limit & { wanted: number; waiting: number })[]
): Promise<Share[]> {
	const { rows } = await sql<Share>`
		select * from take_shares(${processId}, ${JSON.stringify(asked)}::jsonb, ${leaseSeconds}::integer)`.execute(
		db
	);
	return rows;
}

/** When this month of the calendar began, in UTC. */
export const thisMonth = sql<Date>`date_trunc('month', now(), 'UTC')`;

/**
 * How many requests of this month count under the limits of these, as `take_shares` reckons: what was given out, or what was
 * let through, also from before there was a limit. One statement for all.
 */
export async function listTaken(db: Db, subjects: readonly string[]): Promise<Map<string, number>> {
	if (subjects.length === 0) return new Map();
	const { rows } = await sql<{ subject: string; taken: number }>`
		select asked.subject, greatest(
			0,
			(select taken from quota_month where subject = asked.subject and began_at = ${thisMonth}),
			(
				select sum(count) from usage_count
				where credential_id in (
						select id from credential where id = asked.subject
						union all
						select id from credential where application_id = asked.subject
					)
					and span = 'day' and at >= ${thisMonth} and answer = 'allowed'
			),
			(select count from access_use where access_id = asked.subject and began_at = ${thisMonth})
		)::bigint as taken
		from ${idsIn(subjects)} as asked (subject)`.execute(db);
	return new Map(rows.map(({ subject, taken }) => [subject, taken]));
}

/** The first of these limits of a month that is used up; none where nothing is. */
export async function findSpent(db: Db, limits: readonly Limit[]): Promise<Limit | undefined> {
	const monthly = limits.filter(({ span, most }) => span === 'month' && most > 0);
	const taken = await listTaken(
		db,
		monthly.map(({ subject }) => subject)
	);
	return monthly.find(({ subject, most }) => (taken.get(subject) ?? 0) >= most);
}

/** What was taken of a month and not spent. */
export interface Rest {
	subject: string;
	endsAt: number;
	left: number;
}

/**
 * Gives back what was not spent, once for each key however often it is sent: where the answer to the statement is lost,
 * nobody knows whether it was carried out. The keys are those of batches of counts, which are kept for two days.
 */
export async function giveBack(db: Db, key: string, rests: readonly Rest[]): Promise<void> {
	await sql`
		with batch as (
			insert into usage_batch (key) values (${key}) on conflict do nothing returning key
		), rest as materialized (
			select quota_month.subject, quota_month.began_at, rest."left"
			from jsonb_to_recordset(${JSON.stringify(rests)}::jsonb) as rest (subject uuid, "endsAt" bigint, "left" bigint)
			join quota_month on quota_month.subject = rest.subject
				and quota_month.began_at = (to_timestamp(rest."endsAt") at time zone 'UTC' - interval '1 month') at time zone 'UTC'
			where exists (select from batch)
			-- In the order in which they are taken.
			order by quota_month.subject for update of quota_month
		)
		update quota_month
		set taken = taken - rest."left"
		from rest
		where quota_month.subject = rest.subject and quota_month.began_at = rest.began_at
			and quota_month.taken >= rest."left"`.execute(db);
}

/** Lets go what nobody asks for any more: shares of seconds a day later, months after a year. */
export async function deleteOldShares(db: Db): Promise<void> {
	await db
		.deleteFrom('rateLease')
		.where('renewedAt', '<', sql<Date>`now() - interval '1 day'`)
		.execute();
	await db
		.deleteFrom('quotaMonth')
		.where('beganAt', '<', sql<Date>`now() - interval '13 months'`)
		.execute();
}
