import { sql, type SqlBool } from 'kysely';
import type { ExposedCredential, SeenCredential } from '#lib/views.ts';
import { isoOf, type Db } from '../../database/database.ts';

/** Who has revealed or copied which credential, here or where it came from, as far as that still works. */
function selectSeen(db: Db, organizationId: string) {
	return db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('event', (join) =>
			join
				.onRef('event.organizationId', '=', 'application.organizationId')
				.on('event.name', 'in', ['credential.revealed', 'credential.copied', 'credential.known'])
				.on(sql<SqlBool>`event.payload->'credential'->>'id' = credential.id::text`)
		)
		.leftJoin('credentialUse', 'credentialUse.credentialId', 'credential.id')
		.select(sql<Date | null>`max(credential_use.used_at)`.as('lastUsedAt'))
		.select([
			'credential.id',
			'credential.label',
			'credential.lastFour',
			'application.id as applicationId',
			'application.name as applicationName'
		])
		.where('application.organizationId', '=', organizationId)
		.where('credential.revokedAt', 'is', null)
		.where((eb) =>
			eb.or([eb('credential.expiresAt', 'is', null), eb('credential.expiresAt', '>', new Date())])
		)
		.groupBy(['credential.id', 'application.id'])
		.orderBy('application.name')
		.orderBy('credential.label')
		.orderBy('credential.id');
}

const selectSeenBy = (db: Db, organizationId: string, userId: string) =>
	selectSeen(db, organizationId).where(sql<SqlBool>`event.actor->>'id' = ${userId}`);

const seenOf = <Row extends { lastUsedAt: Date | null }>(row: Row) => ({
	...row,
	lastUsedAt: isoOf(row.lastUsedAt)
});

/** The credentials that this person has revealed or copied, also those that were rotated and have their last hours. */
export const listKnownTo = async (db: Db, organizationId: string, userId: string) =>
	(await selectSeenBy(db, organizationId, userId).execute()).map(seenOf);

/** As {@link listKnownTo}, to be rotated: what has been is dealt with. */
export const listSeenBy = async (db: Db, organizationId: string, userId: string): Promise<SeenCredential[]> =>
	(await selectSeenBy(db, organizationId, userId).where('credential.isReplaced', '=', false).execute()).map(
		seenOf
	);

/** The credentials that still work and that somebody has seen who is no longer a member, with their names. */
export async function listExposed(db: Db, organizationId: string): Promise<ExposedCredential[]> {
	// Whose name was corrected since is one person all the same.
	const name = sql`coalesce(nullif(member_name.name, ''), event.actor->>'name')`;
	const rows = await selectSeen(db, organizationId)
		.leftJoin('memberName', (join) =>
			join
				.onRef('memberName.organizationId', '=', 'application.organizationId')
				.on(sql<SqlBool>`member_name.user_id::text = event.actor->>'id'`)
		)
		.where('credential.isReplaced', '=', false)
		.select(sql<string[]>`array_agg(distinct ${name} order by ${name})`.as('people'))
		.where((eb) =>
			eb.not(
				eb.exists(
					eb
						.selectFrom('membership')
						.innerJoin('account', 'account.id', 'membership.userId')
						.select('membership.id')
						.where('membership.organizationId', '=', organizationId)
						.where('account.status', '=', 'active')
						.where(sql<SqlBool>`membership.user_id::text = event.actor->>'id'`)
				)
			)
		)
		.execute();
	return rows.map(seenOf);
}
