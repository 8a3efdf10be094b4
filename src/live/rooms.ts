import type { Db } from '../database/database.ts';
import { idsIn } from '../database/sets.ts';

export const organizationRoom = (id: string) => `organization:${id}`;
export const userRoom = (id: string) => `user:${id}`;
export const sessionRoom = (id: string) => `session:${id}`;

/** Ids of the organizations among the rooms that a socket is in. */
export const organizationsOf = (rooms: Iterable<string>): string[] =>
	[...rooms].flatMap((room) => (room.startsWith('organization:') ? room.slice('organization:'.length) : []));

export interface Room {
	id: string;
	isPersonal: boolean;
}

/** The organizations whose news each of these people may hear. */
export async function listRooms(db: Db, userIds: string[]): Promise<Map<string, Room[]>> {
	const rows = await db
		.selectFrom('membership')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select(['organization.id', 'organization.isPersonal', 'membership.userId'])
		.where('membership.userId', 'in', idsIn(userIds))
		.where('organization.status', 'in', ['pending', 'approved', 'rejected'])
		.execute();
	return Map.groupBy(rows, ({ userId }) => userId);
}

/** Which of these people are portal admins. */
export async function listAdmins(db: Db, userIds: string[]): Promise<Set<string>> {
	const rows = await db
		.selectFrom('account')
		.select('id')
		.where('id', 'in', idsIn(userIds))
		.where('isPortalAdmin', '=', true)
		.execute();
	return new Set(rows.map(({ id }) => id));
}
