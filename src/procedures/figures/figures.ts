import { sql } from 'kysely';
import type { Db } from '../../database/database.ts';
import { adminProcedure, ofOneMoment, router } from '../../api/trpc.ts';

/** The figures of the portal admins' first page. */

export type FigureCounts = { requests: number; members: number; credentials: number; failures: number };

const days = 30;

/** What there is now: requests that wait, members of companies, credentials that work, e-mails that failed. */
async function countNow(db: Db): Promise<FigureCounts> {
	const { rows } = await sql<FigureCounts>`
		select
			(select count(*) from organization where status = 'pending' and not is_personal)::int as requests,
			(
				select count(*) from membership
				join organization on organization.id = membership.organization_id
				join account on account.id = membership.user_id
				where not organization.is_personal
					and organization.status in ('approved', 'suspended')
					and account.status = 'active'
			)::int as members,
			(
				select count(*) from credential
				where revoked_at is null and (expires_at is null or expires_at > now())
			)::int as credentials,
			(select count(*) from message where state = 'failed')::int as failures`.execute(db);
	return rows[0] ?? { requests: 0, members: 0, credentials: 0, failures: 0 };
}

/** What came on each of the last 30 days, in UTC, the oldest first; days on which nothing came too. */
async function countByDay(db: Db): Promise<(FigureCounts & { day: string })[]> {
	const perDay = (table: string, column: string, condition: string) => sql`
		select date_trunc('day', ${sql.ref(column)} at time zone 'utc') as day, count(*)::int as count
		from ${sql.table(table)}
		where ${sql.ref(column)} >= now() - make_interval(days => ${days}) and ${sql.raw(condition)}
		group by 1`;
	const { rows } = await sql<FigureCounts & { day: string }>`
		with
			requests as (${perDay('organization', 'requested_at', 'not is_personal and requested_by is not null')}),
			members as (
				${perDay('membership', 'joined_at', "organization_id in (select id from organization where not is_personal and status in ('approved', 'suspended'))")}
			),
			credentials as (${perDay('credential', 'created_at', 'true')}),
			failures as (${perDay('message', 'created_at', "state = 'failed'")}),
			last_days as (
				select date_trunc('day', now() at time zone 'utc') - make_interval(days => ago) as day
				from generate_series(${days - 1}::int, 0, -1) as ago
			)
		select
			to_char(last_days.day, 'YYYY-MM-DD') as day,
			coalesce(requests.count, 0) as requests,
			coalesce(members.count, 0) as members,
			coalesce(credentials.count, 0) as credentials,
			coalesce(failures.count, 0) as failures
		from last_days
			left join requests using (day)
			left join members using (day)
			left join credentials using (day)
			left join failures using (day)
		order by last_days.day`.execute(db);
	return rows;
}

export const figuresRouter = router({
	get: adminProcedure({})
		.use(ofOneMoment)
		.query(async ({ ctx: { db } }) => ({
			now: await countNow(db),
			days: await countByDay(db)
		}))
});
