import type { Selectable } from 'kysely';
import type { LiveEvent } from '#lib/events.ts';
import type { Stream } from '#lib/wire.ts';
import { isoOf } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';

/** An event as a stream tells it, or null when it isn't told there. */
export function liveEventOf(row: Selectable<Tables['event']>, stream: Stream['kind']): LiveEvent | null {
	const seq = stream === 'portal' ? row.portalSeq : row.seq;
	if (seq === null) return null;
	const { name, organizationId, actor, payload } = row;
	// The name decides the payload's type, which the database can't know.
	return { id: String(row.id), seq, organizationId, name, actor, payload, at: isoOf(row.at) } as LiveEvent;
}
