import { sql } from 'kysely';
import { idleAtMost, lateDays, type IdleCredential } from '#lib/usage.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { organizationProcedure, router } from '../../api/trpc.ts';
import { isSilent } from '../credentials/uses.ts';
/** Whether a credential was presented lately, after another one had taken its place. */
const isLate = sql<boolean>`credential_use.late_at >= now() - make_interval(days => ${sql.lit(lateDays)})`;

type Found = Omit<IdleCredential, 'lastUsedAt'> & { lastUsedAt: Date | null };
const viewOf = (row: Found): IdleCredential => ({ ...row, lastUsedAt: isoOf(row.lastUsedAt) });

export function selectIdle(db: Db) {
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
export async function listSilent(
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
export async function listLate(
	query: Idle,
	atMost: number
): Promise<{ late: IdleCredential[]; lateCount: number }> {
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

export const idleRouter = router({
	listIdle: organizationProcedure({}).query(async ({ ctx: { db, organization } }) => {
		const ours = selectIdle(db).where('application.organizationId', '=', organization.id);
		return { ...(await listSilent(ours, idleAtMost)), ...(await listLate(ours, idleAtMost)) };
	})
});
