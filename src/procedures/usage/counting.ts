import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Answer } from '#lib/checking.ts';
import { isCounted, type UsageAnswer } from '#lib/usage.ts';
import type { Db } from '../../database/database.ts';
import { channel } from '../../database/announcing.ts';

/**
 * How often each credential was presented and what the answer was: gathered in memory, and written in batches. A process
 * that is killed loses what it has gathered since its last batch, {@link pause} at most.
 *
 * A batch has a key of its own, which is written in the statement that counts it. Where the answer to that statement is
 * lost, nobody knows whether it was carried out; so the same batch goes again under the same key, unchanged, until an
 * answer comes: either its key is there and it counts nothing, or it counts now. While the first statement is still under
 * way the second one waits for it, at the key. So nothing is counted twice as long as keys are kept, which is two days.
 */

/** How long is gathered, in milliseconds. */
const pause = 5_000;
/** How many different counts are kept in memory at most: more come together only while the database is away. */
const cellsAtMost = 100_000;
const cellsPerBatch = 10_000;

/** So many requests with one credential, answered alike, within one minute. */
export interface Cell {
	credentialId: string;
	gatewayId: string;
	/** By which an API product was opened; null where none was, or where nobody says which. */
	accessId: string | null;
	answer: UsageAnswer;
	/** The minute's beginning, ISO 8601. */
	at: string;
	/** When the last one came, in milliseconds since 1970. */
	lastAt: number;
	count: number;
}

export interface Counter {
	/** Of a credential that exists: what nobody knows is not counted, so that guesses take no memory. */
	count: (gatewayId: string, answer: Answer) => void;
	/** Writes what there is, and counts no more. */
	stop: () => Promise<void>;
}

/**
 * Counts a batch, unless its key was there before, and tells the pages of whose credentials it is: one statement. The
 * credentials are held first, so that one that is deleted at the same time is left out, and in the order of their ids.
 */
export async function writeCells(
	db: Db,
	cells: readonly Cell[],
	{ key, bodyHash = null, answer = null }: { key: string; bodyHash?: string | null; answer?: object | null }
): Promise<void> {
	await sql`
		with batch as (
			insert into usage_batch (key, body_hash, answer)
			values (${key}, ${bodyHash}, ${answer && JSON.stringify(answer)}::text::jsonb)
			on conflict do nothing returning key
		), given as (
			select *, to_timestamp("lastAt" / 1000.0) as last_at from jsonb_to_recordset(${JSON.stringify(cells)}::text::jsonb) as cell (
				"credentialId" uuid, "gatewayId" uuid, "accessId" uuid, answer text, at timestamptz, "lastAt" bigint, count bigint
			) where exists (select from batch)
		), known as (
			select credential.id, credential.replaced_at, application.organization_id
			from credential join application on application.id = credential.application_id
			where credential.id in (select "credentialId" from given)
			order by credential.id for key share of credential
		), taken as (
			select given.*, known.* from given join known on known.id = given."credentialId"
		), counted as (
			insert into usage_count (credential_id, span, at, answer, count)
			select id, span, date_trunc(span, at, 'UTC'), answer, sum(count)
			from taken cross join unnest(array['minute', 'hour', 'day']) as span
			group by 1, 2, 3, 4 order by 1, 2, 3, 4
			on conflict (credential_id, span, at, answer) do update set count = usage_count.count + excluded.count
		), opened as (
			insert into access_use (access_id, began_at, count)
			select access.id, date_trunc('month', at, 'UTC'), sum(count)
			from taken join access on access.id = taken."accessId"
			where answer = 'allowed'
			group by 1, 2 order by 1, 2
			on conflict (access_id, began_at) do update set count = access_use.count + excluded.count
		), used as (
			insert into credential_use (credential_id, used_at, gateway_id, refused_at, late_at)
			select
				id,
				max(last_at) filter (where answer = 'allowed'),
				(array_agg("gatewayId" order by last_at desc) filter (where answer = 'allowed'))[1],
				max(last_at) filter (where answer <> 'allowed'),
				max(last_at) filter (where replaced_at < last_at)
			from taken group by id order by id
			on conflict (credential_id) do update set
				gateway_id = case
					when excluded.used_at >= coalesce(credential_use.used_at, excluded.used_at) then excluded.gateway_id
					else credential_use.gateway_id
				end,
				used_at = greatest(credential_use.used_at, excluded.used_at),
				refused_at = greatest(credential_use.refused_at, excluded.refused_at),
				late_at = greatest(credential_use.late_at, excluded.late_at)
		), watched as (
			insert into usage_watch (span, at)
			select distinct span, date_trunc(span, at, 'UTC')
			from taken cross join unnest(array['minute', 'hour', 'day']) as span
			order by 1, 2
			on conflict do nothing
		), told as (
			select organization_id, (row_number() over () - 1) / 100 as part
			from (select distinct organization_id from taken) as organizations
		)
		select pg_notify(
			${channel},
			jsonb_build_object('kind', 'usage', 'organizationIds', jsonb_agg(organization_id))::text
		) from told group by part`.execute(db);
}

/** Somebody is counting, though nobody asks: from the first count ever on, a minute without a question is a zero. */
async function watch(db: Db, minute: string): Promise<void> {
	await sql`
		insert into usage_watch (span, at)
		select span, date_trunc(span, ${minute}::timestamptz, 'UTC')
		from unnest(array['minute', 'hour', 'day']) as span
		where exists (select from usage_watch)
		order by 1, 2
		on conflict do nothing`.execute(db);
}

const minuteOf = (now: number) => new Date(now - (now % 60_000)).toISOString();

export function startCounter(db: Db, log: Logger): Counter {
	let cells = new Map<string, Cell>();
	let minute = minuteOf(Date.now());
	let minuteEnds = 0;
	let lost = 0;
	let watched = '';
	/** What was sent and not answered; it goes again as it is. */
	let sent: { key: string; cells: Cell[] } | null = null;

	function count(gatewayId: string, said: Answer): void {
		const credentialId = said.isActive ? said.credential.id : said.identity?.credential.id;
		const answer = said.isActive ? 'allowed' : said.reason;
		if (!credentialId || !isCounted(answer)) return;
		const now = Date.now();
		if (now >= minuteEnds) {
			minute = minuteOf(now);
			minuteEnds = now - (now % 60_000) + 60_000;
		}
		const accessId = said.isActive ? (said.opened?.accessId ?? null) : null;
		const key = `${credentialId}${answer}${minute}${gatewayId}${accessId}`;
		const cell = cells.get(key);
		if (cell) {
			cell.count += 1;
			cell.lastAt = now;
		} else if (cells.size >= cellsAtMost) lost += 1;
		else {
			cells.set(key, { credentialId, gatewayId, accessId, answer, at: minute, lastAt: now, count: 1 });
		}
	}

	function take(): typeof sent {
		if (cells.size === 0) return null;
		const taken = [...cells].slice(0, cellsPerBatch);
		if (taken.length === cells.size) cells = new Map();
		else for (const [key] of taken) cells.delete(key);
		return { key: randomUUID(), cells: taken.map(([, cell]) => cell) };
	}

	async function write(): Promise<void> {
		const now = minuteOf(Date.now());
		if (now !== watched) {
			await watch(db, now);
			watched = now;
		}
		while ((sent ??= take())) {
			await writeCells(db, sent.cells, sent);
			sent = null;
		}
		if (lost > 0) log.warn({ lost }, 'requests were not counted, since too many credentials waited for it');
		lost = 0;
	}

	let writing: Promise<void> | null = null;
	async function writeOnce(): Promise<void> {
		try {
			await write();
		} catch (error) {
			log.warn({ err: error }, 'requests could not be counted now, and are kept until they can');
		}
		writing = null;
	}
	const timer = setInterval(() => {
		// One that takes longer is not overtaken.
		writing ??= writeOnce();
	}, pause);

	return {
		count,
		async stop() {
			clearInterval(timer);
			await writing;
			await write();
		}
	};
}
