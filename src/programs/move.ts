import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { sql } from 'kysely';
import { fromKysely, type JobInsert, type PgBoss } from 'pg-boss';
import {
	connect,
	migrate,
	movingSchema,
	openDatabase,
	type Database,
	type Db,
	type Trx
} from '../database/database.ts';
import { findMoved, hasDatabase, setAsideMoved } from '../database/embedded.ts';
import { sayFailure } from '../database/lock.ts';
import { readEnv, type Env } from '../env.ts';
import { startBoss } from '../jobs.ts';
import { createLog } from '../logging.ts';
import { mailQueue, type MailJob } from '../mail/outbox.ts';

/**
 * `npm run move-to-postgres`: takes all that the embedded database holds to an empty PostgreSQL. All rows go in one
 * transaction, so that there are none or all of them; a schema of its own marks the database until they have been compared,
 * and no portal starts on it before. Broken off, it can be run again; what it comes from is only read.
 */

const batchLength = 200;

/** Whether anything was written; until then a move is refused, or doesn't come about. */
let hasBegun = false;

const isOurs = (table: string) => !table.startsWith('kysely_');

async function listTables(db: Db): Promise<string[]> {
	const { rows } = await sql<{ name: string }>`
		select tablename as name from pg_tables where schemaname = 'public' order by tablename`.execute(db);
	return rows.map(({ name }) => name).filter(isOurs);
}

/** Whose move the mark in the target belongs to: two portals never mix. */
async function identify(db: Db): Promise<string> {
	const { keyCheck } = await db.selectFrom('portal').select('keyCheck').executeTakeFirstOrThrow();
	return createHash('sha256')
		.update(keyCheck ?? '')
		.digest('hex');
}

/** The mark that a move has left, or null. */
async function findMark(db: Db): Promise<string | null> {
	const { rows } = await sql<{ mark: string }>`
		select coalesce(obj_description(oid, 'pg_namespace'), '') as mark
		from pg_namespace where nspname = ${movingSchema}`.execute(db);
	return rows[0]?.mark ?? null;
}

/** What stands in the mark once everything is there and has been compared. */
const wholeOf = (identity: string) => `whole ${identity}`;

const setMark = (db: Db, mark: string) =>
	sql`comment on schema ${sql.ref(movingSchema)} is ${sql.lit(mark)}`.execute(db);

/** @throws {Error} unless the target is empty, or holds what a move from here has left. */
async function claim(db: Db, identity: string): Promise<void> {
	const mark = await findMark(db);
	if (mark !== null) {
		if (mark !== identity && mark !== wholeOf(identity))
			throw new Error('Another portal is being moved to the database of DATABASE_URL.');
		console.log('A move that was broken off is begun anew.');
		hasBegun = true;
		return;
	}
	const { rows } = await sql<{ name: string }>`
		select format('%I.%I', nspname, relname) as name
		from pg_class join pg_namespace on pg_namespace.oid = relnamespace
		where nspname <> 'information_schema' and nspname not like 'pg\\_%' and relkind in ('r', 'p', 'v', 'm', 'S')
			and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
		order by name`.execute(db);
	const [first] = rows;
	if (first) {
		throw new Error(
			`The database of DATABASE_URL isn’t empty: it holds ${first.name}${rows.length > 1 ? ` and ${rows.length - 1} more` : ''}. Name one that is.`
		);
	}
	await db.transaction().execute(async (trx) => {
		await sql`create schema ${sql.ref(movingSchema)}`.execute(trx);
		await setMark(trx, identity);
	});
	hasBegun = true;
}

interface Constraint {
	table: string;
	name: string;
	definition: string;
}

/** Takes away, until all rows are there, what would refuse one for want of another: an owner's right, no superuser's. */
async function loosen(trx: Trx, tables: string[]): Promise<Constraint[]> {
	const { rows } = await sql<Constraint>`
		select relname as table, conname as name, pg_get_constraintdef(pg_constraint.oid) as definition
		from pg_constraint join pg_class on pg_class.oid = conrelid
		where contype = 'f' and connamespace = 'public'::regnamespace`.execute(trx);
	for (const { table, name } of rows)
		await sql`alter table ${sql.table(table)} drop constraint ${sql.ref(name)}`.execute(trx);
	for (const table of tables) await sql`alter table ${sql.table(table)} disable trigger user`.execute(trx);
	// The rows that migrations have put there.
	await sql`truncate ${sql.join(tables.map((table) => sql.table(table)))}`.execute(trx);
	return rows;
}

async function fasten(trx: Trx, tables: string[], constraints: Constraint[]): Promise<void> {
	for (const { table, name, definition } of constraints)
		await sql`alter table ${sql.table(table)} add constraint ${sql.ref(name)} ${sql.raw(definition)}`.execute(
			trx
		);
	for (const table of tables) await sql`alter table ${sql.table(table)} enable trigger user`.execute(trx);
}

const countRows = async (db: Db, table: string) => {
	const { rows } = await sql<{
		count: number;
	}>`select count(*)::int as count from ${sql.table(table)}`.execute(db);
	return rows[0]?.count ?? 0;
};

/** As JSON that the databases write and read themselves: microseconds, numbers and bytes stay what they are. */
async function copyTable(from: Trx, to: Trx, table: string): Promise<number> {
	const { rows: columns } = await sql<{ name: string }>`
		select attname as name from pg_attribute
		where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`.execute(to);
	const names = sql.join(columns.map(({ name }) => sql.ref(name)));
	await sql`declare moving no scroll cursor for select to_jsonb(one)::text as row from ${sql.table(table)} as one`.execute(
		from
	);
	for (;;) {
		const { rows } = await sql<{ row: string }>`fetch ${sql.lit(batchLength)} from moving`.execute(from);
		if (rows.length === 0) break;
		await sql`
			insert into ${sql.table(table)} (${names}) overriding system value
			select ${names} from jsonb_populate_recordset(
				null::${sql.table(table)}, ${`[${rows.map(({ row }) => row).join(',')}]`}::text::jsonb
			)`.execute(to);
	}
	await sql`close moving`.execute(from);
	const [here, there] = [await countRows(from, table), await countRows(to, table)];
	if (here !== there) throw new Error(`Of ${here} rows of ${table} ${there} arrived.`);
	return there;
}

/** The next number of each table that numbers its rows. */
async function copyNumbers(from: Trx, to: Trx): Promise<void> {
	const { rows } = await sql<{ name: string }>`
		select sequencename as name from pg_sequences where schemaname = 'public'`.execute(from);
	for (const { name } of rows) {
		const state = await sql<{ value: string; isCalled: boolean }>`
			select last_value::text as value, is_called from ${sql.table(name)}`.execute(from);
		const [next] = state.rows;
		if (next)
			await sql`select setval(${name}::regclass, ${next.value}::bigint, ${next.isCalled}::boolean)`.execute(
				to
			);
	}
}

/** E-mails that are still to be sent go on where they were: the same attempt, at the same time. */
async function copyJobs(from: Trx, to: Trx, boss: PgBoss): Promise<number> {
	const { rows } = await sql<{ data: MailJob; priority: number; startAfter: Date }>`
		select data, priority, start_after from pgboss.job
		where name = ${mailQueue} and state in ('created', 'retry', 'active')`.execute(from);
	const jobs = rows.map((row): JobInsert<MailJob> => ({ ...row, startAfter: new Date(row.startAfter) }));
	await sql`delete from pgboss.job where name = ${mailQueue}`.execute(to);
	for (let at = 0; at < jobs.length; at += batchLength)
		await boss.insert(mailQueue, jobs.slice(at, at + batchLength), { db: fromKysely(to) });
	const { rows: counted } = await sql<{ count: number }>`
		select count(*)::int as count from pgboss.job where name = ${mailQueue}`.execute(to);
	if (counted[0]?.count !== jobs.length)
		throw new Error(`Of ${jobs.length} waiting jobs ${counted[0]?.count} arrived.`);
	return jobs.length;
}

async function copyAll(from: Db, to: Db, boss: PgBoss): Promise<void> {
	const reading = from.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
	await reading.execute((source) =>
		to.transaction().execute(async (target) => {
			const tables = await listTables(source);
			const constraints = await loosen(target, tables);
			for (const table of tables) {
				const count = await copyTable(source, target, table);
				console.log(`${String(count).padStart(9)}  ${table}`);
			}
			await fasten(target, tables, constraints);
			await copyNumbers(source, target);
			console.log(`${String(await copyJobs(source, target, boss)).padStart(9)}  e-mails that wait`);
		})
	);
}

/** By the program that operators know, which reads nothing but what has arrived. */
async function verifyActivity(): Promise<void> {
	const program = spawn(process.execPath, [path.join(import.meta.dirname, 'verify.ts')], {
		stdio: 'inherit'
	});
	await once(program, 'close');
	if (program.exitCode !== 0) throw new Error('The activity did not arrive as it was written.');
}

/** Takes everything along and compares it; the source is only read. */
async function moveAll(env: Env, target: Database): Promise<void> {
	const source = await openDatabase({ DATA_FOLDER: env.DATA_FOLDER });
	try {
		const identity = await identify(source.db);
		await claim(target.db, identity);
		await migrate(target.db);
		const boss = await startBoss(target.source, createLog('error'));
		try {
			await copyAll(source.db, target.db, boss);
		} finally {
			await boss.stop({ graceful: false });
		}
		await verifyActivity();
		await setMark(target.db, wholeOf(identity));
	} finally {
		await source.close();
	}
}

/** A move from this folder that was broken off between its last two steps has left everything there, and the mark. */
async function isMoved({ db }: Database): Promise<boolean> {
	const mark = await findMark(db);
	return mark !== null && mark === wholeOf(await identify(db));
}

async function run(env: Env): Promise<void> {
	const folder = path.resolve(env.DATA_FOLDER);
	if (!env.DATABASE_URL) throw new Error('Name the empty PostgreSQL in DATABASE_URL.');
	const isHere = hasDatabase(folder);
	const before = findMoved(folder);
	if (!isHere && !before) throw new Error(`There is no database in ${folder}.`);
	if (isHere && before)
		throw new Error(`What was moved before is still in ${before.place}. Take it elsewhere first.`);
	const target = await connect(env);
	let moved = before?.place;
	try {
		if (isHere) {
			await moveAll(env, target);
			moved = setAsideMoved(folder);
		} else if (await isMoved(target)) hasBegun = true;
		else
			throw new Error(
				`This portal was moved to PostgreSQL already, on ${before?.day}. What was moved is kept in ${moved}.`
			);
		// From here on portals start there.
		await sql`drop schema ${sql.ref(movingSchema)}`.execute(target.db);
	} finally {
		await target.close();
	}
	console.log(
		`Everything is in PostgreSQL. Start the portal with the same DATABASE_URL, and the same keys (${env.ENCRYPTION_KEY && env.LOOKUP_KEY ? 'ENCRYPTION_KEY and LOOKUP_KEY' : `secrets.json in ${folder}`}). What was moved is kept in ${moved}.`
	);
}

try {
	await run(readEnv());
} catch (error) {
	const words = hasBegun ? 'The move was broken off, and can be run again.' : 'Nothing was moved.';
	console.error(`${words} ${sayFailure(error)}`);
	process.exitCode = 1;
}
