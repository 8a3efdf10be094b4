import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { connect, type Trx } from '../database/database.ts';
import { expectDatabase } from '../database/embedded.ts';
import { sayFailure } from '../database/lock.ts';
import { readEnv, type Env } from '../env.ts';

/**
 * `npm run verify-activity`: walks every stream of events and names the first row of each that was altered or is
 * missing. See docs/decisions/006-events-are-chained.md.
 *
 * An event's hash in a stream is SHA-256 over the 32 bytes of the hash of the event before it there, none for the
 * first, followed by these lines in UTF-8, with a line feed between them:
 *
 * 1. the stream: "portal", or the organization's id
 * 2. the event's number in the stream
 * 3. the id of the organization that the event is about, or nothing
 * 4. the event's name
 * 5. the actor, as PostgreSQL writes jsonb as text
 * 6. the payload, likewise
 * 7. the time, in microseconds since 1970
 *
 * None of them can hold a line feed: jsonb writes one as \n. The function `event_hash` of the database computes the
 * same for `publish`; here it is computed once more, since whoever can alter rows can replace a function.
 */

const batchLength = 1000;

interface Row {
	id: number;
	number: number;
	hash: string;
	organizationId: string | null;
	portalSeq: number | null;
	name: string;
	actor: string;
	payload: string;
	at: string;
}

/** The end of a stream as it is kept beside its number. */
interface Head {
	stream: string;
	label: string;
	lastSeq: number;
	lastHash: string;
}

function hashOf(previous: string, stream: string, row: Row): string {
	const { number, organizationId, name, actor, payload, at } = row;
	const text = [stream, number, organizationId ?? '', name, actor, payload, at].join('\n');
	return createHash('sha256').update(previous, 'hex').update(text).digest('hex');
}

/** Follows one stream, row by row, and keeps the first thing that is wrong with it. */
function follow({ stream, label, lastSeq, lastHash }: Head) {
	let [number, hash, count] = [0, '', 0];
	let wrong: string | null = null;
	return {
		take(row: Row): void {
			count += 1;
			if (wrong) return;
			if (row.number > number + 1) {
				const last = row.number - 1;
				const which = last === number + 1 ? `number ${last} is` : `the numbers ${number + 1} to ${last} are`;
				wrong = `${label}: ${which} missing.`;
			} else if (row.hash !== hashOf(hash, stream, row)) {
				wrong = `${label}: number ${row.number} (${row.name}, row ${row.id}) was altered, or does not follow on the one before it.`;
			}
			({ number, hash } = row);
		},
		end(): { count: number; wrong: string | null } {
			if (!wrong && number < lastSeq) {
				const which =
					lastSeq === number + 1 ? `number ${lastSeq} is` : `the numbers ${number + 1} to ${lastSeq} are`;
				wrong = `${label}: ${which} missing at the end.`;
			} else if (!wrong && (number > lastSeq || hash !== lastHash)) {
				wrong = `${label}: number ${number} at the end is not the one that the stream ended with.`;
			}
			return { count, wrong };
		}
	};
}

const selectRows = (db: Trx) =>
	db
		.selectFrom('event')
		.select([
			'id',
			'organizationId',
			'portalSeq',
			'name',
			sql<string>`actor::text`.as('actor'),
			sql<string>`payload::text`.as('payload'),
			sql<string>`(extract(epoch from at) * 1000000)::bigint::text`.as('at')
		])
		.limit(batchLength);

async function* listPortal(db: Trx): AsyncGenerator<Row> {
	for (let after = 0; ;) {
		const rows: Row[] = await selectRows(db)
			.select(['portalSeq as number', sql<string>`encode(portal_hash, 'hex')`.as('hash')])
			.where('portalSeq', '>', after)
			.orderBy('portalSeq')
			.$narrowType<{ number: number }>()
			.execute();
		yield* rows;
		const last = rows.at(-1);
		if (!last || rows.length < batchLength) return;
		after = last.number;
	}
}

/** The streams of all organizations, one after the other. */
async function* listOrganizations(db: Trx): AsyncGenerator<Row & { organizationId: string }> {
	let after = { organizationId: '00000000-0000-0000-0000-000000000000', number: 0 };
	for (;;) {
		const rows = await selectRows(db)
			.select(['seq as number', sql<string>`encode(hash, 'hex')`.as('hash')])
			.where('seq', 'is not', null)
			.where(sql<boolean>`(organization_id, seq) > (${after.organizationId}::uuid, ${after.number}::bigint)`)
			.orderBy('organizationId')
			.orderBy('seq')
			.$narrowType<{ organizationId: string; number: number }>()
			.execute();
		yield* rows;
		const last = rows.at(-1);
		if (!last || rows.length < batchLength) return;
		after = last;
	}
}

async function* listHeads(db: Trx): AsyncGenerator<Head> {
	for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
		const rows = await db
			.selectFrom('organization')
			.select(['id', 'name', 'lastSeq', sql<string>`encode(last_hash, 'hex')`.as('lastHash')])
			.where('id', '>', after)
			.orderBy('id')
			.limit(batchLength)
			.execute();
		for (const { id, name, ...head } of rows) yield { ...head, stream: id, label: `${name} (${id})` };
		const last = rows.at(-1);
		if (!last || rows.length < batchLength) return;
		after = last.id;
	}
}

async function verify(db: Trx): Promise<{ count: number; streams: number; wrong: string[] }> {
	const wrong: string[] = [];
	let [count, streams] = [0, 0];
	const note = (one: { count: number; wrong: string | null }) => {
		if (one.count > 0) streams += 1;
		count += one.count;
		if (one.wrong) wrong.push(one.wrong);
	};

	const { lastSeq, lastHash } = await db
		.selectFrom('portal')
		.select(['lastSeq', sql<string>`encode(last_hash, 'hex')`.as('lastHash')])
		.executeTakeFirstOrThrow();
	const portal = follow({ stream: 'portal', label: 'The portal’s stream', lastSeq, lastHash });
	for await (const row of listPortal(db)) portal.take(row);
	note(portal.end());

	// Both are in the order of the organizations' ids.
	const events = listOrganizations(db);
	let next = await events.next();
	// What was deleted and is still being swept, some thousand events at a time.
	const swept = new Set(
		(await db.selectFrom('goneStream').select('organizationId').execute()).map((row) => row.organizationId)
	);
	let homeless: string | null = null;
	/** What the portal's stream tells of an organization stays when it is deleted; the rest went with it. */
	const passHomeless = (row: Row) => {
		if (row.portalSeq !== null || row.organizationId === homeless) return;
		if (row.organizationId !== null && swept.has(row.organizationId)) return;
		homeless = row.organizationId;
		wrong.push(`The organization ${homeless} is missing, and number ${row.number} of its stream is not.`);
	};
	for await (const head of listHeads(db)) {
		const stream = follow(head);
		for (; !next.done && next.value.organizationId <= head.stream; next = await events.next()) {
			if (next.value.organizationId === head.stream) stream.take(next.value);
			else passHomeless(next.value);
		}
		note(stream.end());
	}
	for (; !next.done; next = await events.next()) passHomeless(next.value);
	return { count, streams, wrong };
}

async function run(env: Env): Promise<number> {
	if (!env.DATABASE_URL) expectDatabase(env.DATA_FOLDER);
	const database = await connect(env);
	try {
		// One state of the database, whatever the portal writes meanwhile.
		const transaction = database.db
			.transaction()
			.setIsolationLevel('repeatable read')
			.setAccessMode('read only');
		const { count, streams, wrong } = await transaction.execute(verify);
		for (const one of wrong) console.error(one);
		if (wrong.length > 0) return 1;
		console.log(`${count} entries in ${streams} streams are as they were written; none is missing.`);
		return 0;
	} finally {
		await database.close();
	}
}

try {
	process.exitCode = await run(readEnv());
} catch (error) {
	console.error(`The activity could not be verified. ${sayFailure(error)}`);
	process.exitCode = 1;
}
