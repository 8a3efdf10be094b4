import { sql } from 'kysely';
import type { Db } from '../database/database.ts';
import { idsIn } from '../database/sets.ts';
import { channel, notify } from '../database/announcing.ts';
import { takeSilent } from '../database/processes.ts';
import { transact } from '../database/transaction.ts';
import { signal, encodeSignal, type Signal } from './publish.ts';

/**
 * Who has a page open, over all server processes: one row for a person in an organization on a process. A process
 * says every `renewSeconds` that its rows still hold; rows of a process that fell silent count no more.
 */
export const renewSeconds = 20;
const silentSeconds = 60;

const isFresh = sql<boolean>`seen_at > now() - make_interval(secs => ${silentSeconds})`;

/** People of the organization who have a page open: the first so many, with the number of all. */
export const selectOnlineIn = (db: Db, organizationId: string, atMost: number) =>
	db
		.selectFrom('presence')
		.select(['userId', sql<number>`count(*) over ()::int`.as('count')])
		.where('organizationId', '=', organizationId)
		.where(isFresh)
		.groupBy('userId')
		.orderBy(sql`min(seen_at)`)
		.limit(atMost);

export interface Whereabouts {
	organizationId: string;
	userId: string;
}

/** Who is where, and on which processes. */
export const listWhereabouts = (
	db: Db,
	organizationIds: readonly string[]
): Promise<(Whereabouts & { processId: string })[]> =>
	db
		.selectFrom('presence')
		.select(['organizationId', 'userId', 'processId'])
		.where('organizationId', 'in', idsIn(organizationIds))
		.where(isFresh)
		.execute();

/** A notification holds 8,000 bytes. */
const idsAtMost = 150;

/** Writes who has come to this process and who has left it, and tells every process: one statement for any number. */
export async function attest(
	db: Db,
	processId: string,
	{ came, went }: { came: readonly Whereabouts[]; went: readonly Whereabouts[] }
): Promise<void> {
	if (came.length + went.length === 0) return;
	const told = [
		...came.map((one) => ({ ...one, isHere: true })),
		...went.map((one) => ({ ...one, isHere: false }))
	];
	const signals: Signal[] = [];
	for (const [organizationId, all] of Map.groupBy(told, (one) => one.organizationId)) {
		for (let at = 0; at < all.length; at += idsAtMost) {
			const some = all.slice(at, at + idsAtMost);
			const idsOf = (isHere: boolean) => some.flatMap((one) => (one.isHere === isHere ? one.userId : []));
			signals.push({ kind: 'presence', processId, organizationId, came: idsOf(true), went: idsOf(false) });
		}
	}
	const rowsOf = (all: readonly Whereabouts[]) => sql`(
		select (one->>0)::uuid, (one->>1)::uuid
		from jsonb_array_elements(${JSON.stringify(all.map((one) => [one.organizationId, one.userId]))}::text::jsonb) as one
	)`;
	await sql`
		with came as (
			insert into presence (process_id, organization_id, user_id)
			select ${processId}::uuid, * from ${rowsOf(came)} as one
			on conflict (organization_id, user_id, process_id) do update set seen_at = now()
		), went as (
			delete from presence
			where process_id = ${processId} and (organization_id, user_id) in ${rowsOf(went)}
		)
		select pg_notify(${channel}, one::text)
		from jsonb_array_elements(${JSON.stringify(signals)}::text::jsonb) as one`.execute(db);
}

/**
 * Says that the rows of this process hold, and has the rows of processes that fell silent go.
 * @returns how many rows of this process there are.
 */
export async function renew(db: Db, processId: string): Promise<number> {
	const { numUpdatedRows } = await db
		.updateTable('presence')
		.set({ seenAt: sql`now()` })
		.where('processId', '=', processId)
		.executeTakeFirstOrThrow();
	const gone = await db
		.deleteFrom('presence')
		.where(sql<boolean>`not (${isFresh})`)
		.returning('processId')
		.execute();
	for (const silent of new Set(gone.map((row) => row.processId)))
		await signal(db, { kind: 'gone', processId: silent, isSilent: true });
	return Number(numUpdatedRows);
}

/**
 * Tells every process which have fallen silent, as one that was killed, whether or not anybody had a page open there: what it
 * committed may have been told to nobody. Who was there has left.
 */
export async function tellSilent(db: Db): Promise<void> {
	await transact(db, async (trx) => {
		const silent = await takeSilent(trx);
		if (silent.length === 0) return;
		await trx.deleteFrom('presence').where('processId', 'in', silent).execute();
		// By the commit, since their rows are gone: nobody would tell it later.
		await notify(
			trx,
			silent.map((processId) => encodeSignal({ kind: 'gone', processId, isSilent: true }))
		);
	});
}

/** Takes all rows of a process away, when it ends. */
export async function leaveAll(db: Db, processId: string): Promise<void> {
	await db.deleteFrom('presence').where('processId', '=', processId).execute();
	await signal(db, { kind: 'gone', processId });
}
