import { sql } from 'kysely';
import { memberEnds } from '#lib/departures.ts';
import type { LiveEvent } from '#lib/events.ts';
import type { Db } from '../../database/database.ts';
import { liveEventOf } from '../../news/events.ts';

/** A page that is open asks soon after: so many of the latest events of the organization are looked at. */
const depth = 500;

/** An organization that somebody is no longer in, with the name that it had then, and what ended it. */
export interface Departed {
	organization: { id: string; name: string };
	event: LiveEvent;
}

/** How the person came to be no member any more; null for a stranger, a member, and where it isn't among the latest. */
export async function findDeparture(db: Db, slug: string, userId: string): Promise<Departed | null> {
	const row = await db
		.selectFrom('event')
		.innerJoin('organization', 'organization.id', 'event.organizationId')
		.leftJoin('membership', (join) =>
			join.onRef('membership.organizationId', '=', 'organization.id').on('membership.userId', '=', userId)
		)
		.selectAll('event')
		.select((eb) => [
			'organization.name as currentName',
			// What it has been called since then is not theirs to know.
			eb
				.selectFrom('event as renaming')
				.select(sql<string>`renaming.payload->>'previousName'`.as('name'))
				.whereRef('renaming.organizationId', '=', 'organization.id')
				.whereRef('renaming.seq', '>', 'event.seq')
				.where('renaming.name', '=', 'organization.renamed')
				.orderBy('renaming.seq')
				.limit(1)
				.as('formerName')
		])
		.where('organization.slug', '=', slug)
		.where('membership.id', 'is', null)
		.where((eb) => eb('event.seq', '>', eb('organization.lastSeq', '-', depth)))
		.where('event.name', 'in', memberEnds)
		.where(sql<string>`event.payload->'member'->>'userId'`, '=', userId)
		.orderBy('event.seq', 'desc')
		.limit(1)
		.executeTakeFirst();
	const event = row && liveEventOf(row, 'organization');
	if (!event || !row.organizationId) return null;
	return { organization: { id: row.organizationId, name: row.formerName ?? row.currentName }, event };
}
