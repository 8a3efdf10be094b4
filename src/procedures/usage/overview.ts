import { sql } from 'kysely';
import type { IdleCredential, Requests } from '#lib/usage.ts';
import { adminProcedure, router } from '../../api/trpc.ts';
import { listLate, listSilent, selectIdle } from './idle.ts';

export type PortalUsage = {
	/** The most used applications of 30 days. */
	top: ({ id: string; name: string; organizationId: string; organizationName: string } & Requests)[];
	/** The longest unused. */
	silent: IdleCredential[];
	silentCount: number;
	late: IdleCredential[];
	lateCount: number;
};

/** How many applications and credentials the overview shows. */
const shownAtMost = 8;

export const overviewRouter = router({
	/** For the portal's overview: of organizations, not of personal spaces. */
	getPortal: adminProcedure({}).query(async ({ ctx: { db } }): Promise<PortalUsage> => {
		const { rows: top } = await sql<PortalUsage['top'][number]>`
			with used as (
				select
					credential_id,
					coalesce(sum(count) filter (where answer = 'allowed'), 0) as allowed,
					coalesce(sum(count) filter (where answer <> 'allowed'), 0) as refused
				from usage_count
				where span = 'day' and at >= date_trunc('day', now(), 'UTC') - interval '29 days'
				group by credential_id
			)
			select
				application.id, application.name, organization.id as organization_id,
				organization.name as organization_name,
				sum(allowed)::bigint as allowed, sum(refused)::bigint as refused
			from used
			join credential on credential.id = used.credential_id
			join application on application.id = credential.application_id
			join organization on organization.id = application.organization_id
			where not organization.is_personal
			group by application.id, organization.id
			order by sum(allowed) + sum(refused) desc, application.id
			limit ${shownAtMost}`.execute(db);
		const all = selectIdle(db).where('organization.isPersonal', '=', false);
		return { top, ...(await listSilent(all, shownAtMost)), ...(await listLate(all, shownAtMost)) };
	})
});
