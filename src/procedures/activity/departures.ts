import { sql } from 'kysely';
import type { LiveEvent } from '#lib/events.ts';
import type { Db } from '../../database/database.ts';
import { liveEventOf } from './activity.ts';

/** A page that is open asks soon after: so many of the latest events of the organization are looked at. */
const depth = 500;

/** The event by which the person is no longer a member; null where there is none among the latest. */
export async function findDeparture(
	db: Db,
	organizationId: string,
	userId: string
): Promise<LiveEvent | null> {
	const row = await db
		.selectFrom('event')
		.innerJoin('organization', 'organization.id', 'event.organizationId')
		.selectAll('event')
		.where('event.organizationId', '=', organizationId)
		.where((eb) => eb('event.seq', '>', eb('organization.lastSeq', '-', depth)))
		.where('event.name', 'in', ['member.removed', 'member.left'])
		.where(sql<string>`event.payload->'member'->>'userId'`, '=', userId)
		.orderBy('event.seq', 'desc')
		.limit(1)
		.executeTakeFirst();
	return row ? liveEventOf(row, 'organization') : null;
}
