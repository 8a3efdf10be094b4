import { sql } from 'kysely';
import type { Db } from '../database/database.ts';
import { signal } from './publish.ts';

/**
 * Who has a page open, over all server processes: one row for a person in an organization on a process. A process
 * says every `beatSeconds` that its rows still hold; rows of a process that fell silent count no more.
 */
export const beatSeconds = 20;
const silentSeconds = 60;

const isFresh = sql<boolean>`seen_at > now() - make_interval(secs => ${silentSeconds})`;

/** Who has a page open. */
const selectOnline = (db: Db) =>
	db.selectFrom('presence').select(['organizationId', 'userId']).distinct().where(isFresh);

export const selectOnlineIn = (db: Db, organizationId: string) =>
	selectOnline(db).where('organizationId', '=', organizationId);

/** Ids of the people of the organization who have a page open. */
export const onlineIn = async (db: Db, organizationId: string): Promise<string[]> =>
	(await onlineInEach(db, [organizationId])).get(organizationId) ?? [];

/** The same for several organizations; those where nobody is are left out. */
export async function onlineInEach(db: Db, organizationIds: string[]): Promise<Map<string, string[]>> {
	const rows = await selectOnline(db).where('organizationId', 'in', organizationIds).execute();
	const groups = Map.groupBy(rows, ({ organizationId }) => organizationId);
	return new Map([...groups].map(([id, group]) => [id, group.map(({ userId }) => userId)]));
}

export async function isOnline(db: Db, organizationId: string, userId: string): Promise<boolean> {
	const row = await db
		.selectFrom('presence')
		.select('userId')
		.where('organizationId', '=', organizationId)
		.where('userId', '=', userId)
		.where(isFresh)
		.executeTakeFirst();
	return row !== undefined;
}

export async function arrive(
	db: Db,
	processId: string,
	organizationId: string,
	userId: string
): Promise<void> {
	await db
		.insertInto('presence')
		.values({ processId, organizationId, userId })
		.onConflict((conflict) =>
			conflict.columns(['organizationId', 'userId', 'processId']).doUpdateSet({ seenAt: sql`now()` })
		)
		.execute();
	await signal(db, { kind: 'presence', organizationId, userId });
}

export async function leave(
	db: Db,
	processId: string,
	organizationId: string,
	userId: string
): Promise<void> {
	await db
		.deleteFrom('presence')
		.where('processId', '=', processId)
		.where('organizationId', '=', organizationId)
		.where('userId', '=', userId)
		.execute();
	await signal(db, { kind: 'presence', organizationId, userId });
}

/** Says that the rows of this process hold, and tells of the people whose process has fallen silent. */
export async function beat(db: Db, processId: string): Promise<void> {
	await db
		.updateTable('presence')
		.set({ seenAt: sql`now()` })
		.where('processId', '=', processId)
		.execute();
	const gone = await db
		.deleteFrom('presence')
		.where(sql<boolean>`not (${isFresh})`)
		.returning(['organizationId', 'userId'])
		.execute();
	for (const one of gone) await signal(db, { kind: 'presence', ...one });
}

/** Takes all rows of a process away, when it ends. */
export async function leaveAll(db: Db, processId: string): Promise<void> {
	const gone = await db
		.deleteFrom('presence')
		.where('processId', '=', processId)
		.returning(['organizationId', 'userId'])
		.execute();
	for (const one of gone) await signal(db, { kind: 'presence', ...one });
}
