import { sql } from 'kysely';
import { isAlarmKind, type Alarm, type AlarmKind } from '#lib/alarms.ts';
import { isoOf, type Db } from '../database/database.ts';
import { signal } from './publish.ts';

/**
 * What goes wrong while nobody waits for it is told to the portal's admins, on their overview, until it is over. An alarm that
 * one of them has dismissed stays away until it has ended and begins anew, or something else is known of it.
 */
export async function raiseAlarm(db: Db, kind: AlarmKind, detail = ''): Promise<void> {
	await sql`
		insert into alarm as old (kind, detail) values (${kind}, ${detail.slice(0, 500)})
		on conflict (kind) do update set
			detail = excluded.detail,
			last_at = now(),
			count = old.count + 1,
			dismissed_at = case when old.detail = excluded.detail then old.dismissed_at end`.execute(db);
	await signal(db, { kind: 'alarms' });
}

/** Ends alarms; says nothing where there was none. */
export async function clearAlarms(db: Db, kinds: AlarmKind[]): Promise<void> {
	if (kinds.length === 0) return;
	const ended = await db.deleteFrom('alarm').where('kind', 'in', kinds).returning('kind').execute();
	if (ended.length > 0) await signal(db, { kind: 'alarms' });
}

export const clearAlarm = (db: Db, kind: AlarmKind) => clearAlarms(db, [kind]);

/** Those that nobody has dismissed, the newest first. */
export async function listAlarms(db: Db): Promise<Alarm[]> {
	const rows = await db
		.selectFrom('alarm')
		.selectAll()
		.where('dismissedAt', 'is', null)
		.orderBy('raisedAt', 'desc')
		.orderBy('kind')
		.execute();
	return rows.flatMap(({ kind, detail, raisedAt, lastAt, count }) =>
		// Of a newer version, which another process runs.
		isAlarmKind(kind) ? [{ kind, detail, raisedAt: isoOf(raisedAt), lastAt: isoOf(lastAt), count }] : []
	);
}

/** Away until it begins anew. */
export async function dismissAlarm(db: Db, kind: AlarmKind): Promise<void> {
	await db.updateTable('alarm').set({ dismissedAt: new Date() }).where('kind', '=', kind).execute();
	await signal(db, { kind: 'alarms' });
}
