import { sql } from 'kysely';
import { idleAtMost, lateDays, silentDays, type IdleCredential, type Requests } from '#lib/usage.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { adminProcedure, organizationProcedure, router } from '../../api/trpc.ts';

/** Credentials that nobody has used for long, and replaced ones that somebody goes on using. */

/**
 * Whether a credential works and has not been let in for so long, as far as that was counted: where counting began later,
 * nobody can know, and none is silent.
 */
export const isSilent = sql<boolean>`(
	credential.revoked_at is null
	and (credential.expires_at is null or credential.expires_at > now())
	and credential.created_at < now() - make_interval(days => ${sql.lit(silentDays)})
	and not exists (
		select from credential_use
		where credential_use.credential_id = credential.id
			and credential_use.used_at >= now() - make_interval(days => ${sql.lit(silentDays)})
	)
	and exists (
		select from usage_watch where span = 'day' and at <= now() - make_interval(days => ${sql.lit(silentDays)})
	)
)`;
/** Whether a credential was presented lately, after another one had taken its place. */
const isLate = sql<boolean>`credential_use.late_at >= now() - make_interval(days => ${sql.lit(lateDays)})`;

type Found = Omit<IdleCredential, 'lastUsedAt'> & { lastUsedAt: Date | null };
const viewOf = (row: Found): IdleCredential => ({ ...row, lastUsedAt: isoOf(row.lastUsedAt) });

function selectIdle(db: Db) {
	return db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('organization', 'organization.id', 'application.organizationId')
		.leftJoin('credentialUse', 'credentialUse.credentialId', 'credential.id')
		.select([
			'credential.id',
			'credential.label',
			'credential.lastFour',
			'application.id as applicationId',
			'application.name as applicationName'
		]);
}

type Idle = ReturnType<typeof selectIdle>;

async function countAll(query: Idle): Promise<number> {
	const counting = query.clearSelect().select((eb) => eb.fn.countAll<number>().as('count'));
	return Number((await counting.executeTakeFirstOrThrow()).count);
}

const selectOwner = (query: Idle) =>
	query.select(['organization.id as organizationId', 'organization.name as organizationName']);

/** Those that work and are silent, the longest unused first, and how many there are. */
async function listSilent(
	query: Idle,
	atMost: number
): Promise<{ silent: IdleCredential[]; silentCount: number }> {
	const silent = query.where(isSilent);
	const rows = await selectOwner(silent)
		.select('credentialUse.usedAt as lastUsedAt')
		.orderBy(sql`credential_use.used_at asc nulls first`)
		.orderBy('credential.createdAt')
		.orderBy('credential.id')
		.limit(atMost)
		.execute();
	const silentCount = rows.length < atMost ? rows.length : await countAll(silent);
	return { silent: rows.map(viewOf), silentCount };
}

/** Replaced ones that were presented lately, the latest first, and how many there are. */
async function listLate(query: Idle, atMost: number): Promise<{ late: IdleCredential[]; lateCount: number }> {
	const late = query.where(isLate);
	const rows = await selectOwner(late)
		.select('credentialUse.lateAt as lastUsedAt')
		.orderBy('credentialUse.lateAt', 'desc')
		.orderBy('credential.id')
		.limit(atMost)
		.execute();
	const lateCount = rows.length < atMost ? rows.length : await countAll(late);
	return { late: rows.map(viewOf), lateCount };
}

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

export const idleRouter = router({
	listIdle: organizationProcedure({}).query(async ({ ctx: { db, organization } }) => {
		const ours = selectIdle(db).where('application.organizationId', '=', organization.id);
		return { ...(await listSilent(ours, idleAtMost)), ...(await listLate(ours, idleAtMost)) };
	}),

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
