import type { Db } from '../database/database.ts';
import { idsIn } from '../database/sets.ts';

export const organizationRoom = (id: string) => `organization:${id}`;
export const userRoom = (id: string) => `user:${id}`;
export const sessionRoom = (id: string) => `session:${id}`;

/** The organization whose room this is, or null. */
export const organizationOf = (room: string): string | null =>
	room.startsWith('organization:') ? room.slice('organization:'.length) : null;

/** Ids of the organizations among the rooms that a socket is in. */
export const organizationsOf = (rooms: Iterable<string>): string[] =>
	[...rooms].flatMap((room) => organizationOf(room) ?? []);

export interface Room {
	id: string;
	isPersonal: boolean;
	/** The number of its latest event, as far as whoever opens the door knows. */
	lastSeq: number;
}

/** The organizations whose news each of these people may hear. */
export async function listRooms(db: Db, userIds: string[]): Promise<Map<string, Room[]>> {
	const rows = await db
		.selectFrom('membership')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select(['organization.id', 'organization.isPersonal', 'organization.lastSeq', 'membership.userId'])
		.where('membership.userId', 'in', idsIn(userIds))
		.where('organization.status', 'in', ['pending', 'approved', 'rejected'])
		.execute();
	return Map.groupBy(rows, ({ userId }) => userId);
}

/** Which of these people are portal admins, each with the number of the portal's latest event. */
export async function listAdmins(db: Db, userIds: string[]): Promise<Map<string, number>> {
	const rows = await db
		.selectFrom('account')
		.select((eb) => ['id', eb.selectFrom('portal').select('lastSeq').as('lastSeq')])
		.where('id', 'in', idsIn(userIds))
		.where('isPortalAdmin', '=', true)
		.execute();
	return new Map(rows.map(({ id, lastSeq }) => [id, lastSeq ?? 0]));
}
