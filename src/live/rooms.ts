import type { Db } from '../database/database.ts';

export const organizationRoom = (id: string) => `organization:${id}`;

/** The organizations whose news each of these people may hear. */
export async function listRooms(db: Db, userIds: string[]): Promise<Map<string, string[]>> {
	const rows = await db
		.selectFrom('membership')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select(['organization.id', 'membership.userId'])
		.where('membership.userId', 'in', userIds)
		.where('organization.status', 'in', ['pending', 'approved', 'rejected'])
		.execute();
	const groups = Map.groupBy(rows, ({ userId }) => userId);
	return new Map([...groups].map(([userId, group]) => [userId, group.map(({ id }) => id)]));
}
