import { sql } from 'kysely';
import { connect, type Db, type Trx } from '../database/database.ts';
import { expectDatabase } from '../database/embedded.ts';
import { sayFailure } from '../database/lock.ts';
import { listProcesses, silentSeconds } from '../database/processes.ts';
import { transact } from '../database/transaction.ts';
import { readEnv, type Env } from '../env.ts';
import { isUnderFirst, openCheck, sealCheck } from '../vault/check.ts';
import { sealed, type Sealed } from '../vault/sealed.ts';
import { generateKey, openVault, readSecrets, writeSecrets, type Vault } from '../vault/vault.ts';

/**
 * `npm run rotate-encryption-key`: brings all that is encrypted, and the hashes by which credentials are found, under the
 * keys that come first, some rows at a time, while portals run. It keeps no note of how far it has come: whatever was
 * done is seen by what it looks like, so that it can be broken off at any moment and begun anew. At the end the keys that
 * come behind are retired: no portal ever writes with them again.
 */

const batchLength = 500;

interface Row {
	key: string;
	text: string;
	hash: string | null;
}

/** Reads some rows behind that key: which of them aren't up to date, and the last key, or null at the end. */
async function readBatch(db: Db, vault: Vault, one: Sealed, after: string | null) {
	const [table, key, column] = [sql.table(one.table), sql.ref(one.key), sql.ref(one.column)];
	const hash = one.hash ? sql.ref(one.hash) : sql`null::text`;
	const { rows } = await sql<Row>`
		select ${key}::text as key, ${column} as text, ${hash} as hash from ${table}
		where ${column} is not null and ${after === null ? sql`true` : sql`${key} > ${after}`}
		order by ${key} limit ${sql.lit(batchLength)}`.execute(db);
	const changes = rows.flatMap((row) => {
		// A message may be one that nobody could read before either: it stays what it is.
		const plain = open(vault, one, row);
		if (plain === null) return [];
		const [text, hash] = [
			vault.isCurrent(row.text) ? row.text : vault.encrypt(plain, one.placeOf(row.key)),
			one.hash ? vault.lookupHash(plain) : null
		];
		const [encryption, lookup] = [text !== row.text, hash !== row.hash];
		return encryption || lookup ? [{ key: row.key, old: row.text, text, hash, encryption, lookup }] : [];
	});
	const last = rows.length < batchLength ? null : (rows.at(-1)?.key ?? null);
	return { read: rows.length, changes, last };
}

/** Reads some rows behind that key, and writes those that aren't up to date. */
async function rotateBatch(db: Trx, vault: Vault, one: Sealed, after: string | null) {
	const [table, key, column] = [sql.table(one.table), sql.ref(one.key), sql.ref(one.column)];
	const { read, changes, last } = await readBatch(db, vault, one, after);
	if (changes.length > 0) {
		// Only where nobody has written something else in the meantime: that was written with the new keys.
		await sql`
			update ${table} set ${column} = change.text ${one.hash ? sql`, ${sql.ref(one.hash)} = change.hash` : sql``}
			from jsonb_to_recordset(${JSON.stringify(changes)}::text::jsonb)
				as change(key text, old text, text text, hash text)
			where ${table}.${key}::text = change.key and ${table}.${column} = change.old`.execute(db);
	}
	return { read, written: changes.length, last };
}

function open(vault: Vault, one: Sealed, { key, text }: Row): string | null {
	try {
		return vault.decrypt(text, one.placeOf(key));
	} catch (error) {
		if (one.table === 'message') return null;
		throw new Error(`One of the ${one.label} (${key}) can’t be read with any of the keys.`, { cause: error });
	}
}

/** One pass over everything; how much of it was written. */
async function pass(db: Db, vault: Vault, show: ReturnType<typeof drawProgress>): Promise<number> {
	let written = 0;
	for (const one of sealed) {
		const { rows } = await sql<{ count: number }>`
			select count(*)::int as count from ${sql.table(one.table)} where ${sql.ref(one.column)} is not null`.execute(
			db
		);
		const total = rows[0]?.count ?? 0;
		let [after, read]: [string | null, number] = [null, 0];
		do {
			const batch: Awaited<ReturnType<typeof rotateBatch>> = await transact(db, (trx) =>
				rotateBatch(trx, vault, one, after)
			);
			after = batch.last;
			read += batch.read;
			written += batch.written;
			show(one.label, read, Math.max(total, read));
		} while (after !== null);
	}
	return written;
}

/** A bar on a screen; in a file, a line when something is done. */
function drawProgress() {
	const isScreen = process.stdout.isTTY;
	return (label: string, done: number, total: number) => {
		const share = total === 0 ? 1 : done / total;
		const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
		const line = `${bar} ${done} of ${total} ${label}`;
		if (isScreen) process.stdout.write(`\r\x1b[K${line}${share === 1 ? '\n' : ''}`);
		else console.log(line);
	};
}

/** @throws {Error} when a portal that runs would go on writing with a key that is being replaced. */
async function checkProcesses(db: Db, vault: Vault, mayRun: boolean): Promise<void> {
	const { encryption, lookup } = vault.keyIds;
	for (const one of await listProcesses(db)) {
		if (mayRun && one.encryptionKey === encryption[0] && one.lookupKey === lookup[0]) continue;
		throw new Error(
			mayRun
				? `A portal on ${one.host} still writes with the old key. Start all of them with the new key first and the old one behind it, then run this again; one that was killed counts for ${silentSeconds} seconds more.`
				: `A portal is running on ${one.host}. These keys stand in secrets.json, which it reads at its start alone: stop it first; one that was killed counts for ${silentSeconds} seconds more.`
		);
	}
}

/** Retires what comes behind, unless something was started meanwhile that writes with it. */
async function retire(db: Db, vault: Vault, mayRun: boolean): Promise<void> {
	await transact(db, async (trx) => {
		// Whoever starts now waits here, and reads then what has become of its key.
		const { keyCheck } = await trx
			.selectFrom('portal')
			.select('keyCheck')
			.forUpdate()
			.executeTakeFirstOrThrow();
		await checkProcesses(trx, vault, mayRun);
		const [[encryption, ...oldEncryption], [lookup, ...oldLookup]] = [
			vault.keyIds.encryption,
			vault.keyIds.lookup
		];
		const retired = new Set([...openCheck(vault, keyCheck ?? ''), ...oldEncryption, ...oldLookup]);
		for (const id of [encryption, lookup]) if (id) retired.delete(id);
		await trx
			.updateTable('portal')
			.set({ keyCheck: sealCheck(vault, [...retired]) })
			.execute();
	});
}

type Keys = Pick<Env, 'DATA_FOLDER' | 'ENCRYPTION_KEY' | 'LOOKUP_KEY'>;

/** Keys that were generated get new ones before them; those of the environment are the operator's. */
function prepareVault(env: Keys): { vault: Vault; isGenerated: boolean } {
	if (env.ENCRYPTION_KEY && env.LOOKUP_KEY) return { vault: openVault(env), isGenerated: false };
	const secrets = readSecrets(env.DATA_FOLDER);
	if (!secrets) throw new Error('There are no keys yet: the portal makes them at its first start.');
	const withNew = (keys: string) => (keys.includes(',') ? keys : `${generateKey()},${keys}`);
	const next = {
		encryptionKey: env.ENCRYPTION_KEY ? secrets.encryptionKey : withNew(secrets.encryptionKey),
		lookupKey: env.LOOKUP_KEY ? secrets.lookupKey : withNew(secrets.lookupKey)
	};
	writeSecrets(env.DATA_FOLDER, next);
	return { vault: openVault(env), isGenerated: true };
}

function dropOld(env: Keys): void {
	const secrets = readSecrets(env.DATA_FOLDER);
	if (!secrets) return;
	const first = (keys: string) => keys.split(',')[0] ?? keys;
	writeSecrets(env.DATA_FOLDER, {
		encryptionKey: env.ENCRYPTION_KEY ? secrets.encryptionKey : first(secrets.encryptionKey),
		lookupKey: env.LOOKUP_KEY ? secrets.lookupKey : first(secrets.lookupKey)
	});
}

/** Whether something may be under the new keys already. */
let hasBegun = false;

async function run(env: Env): Promise<void> {
	if (!env.DATABASE_URL) expectDatabase(env.DATA_FOLDER);
	const database = await connect(env);
	try {
		const { db } = database;
		const isEmbedded = 'pglite' in database.source;
		// Before anything is written, also into secrets.json: are these the keys of this database at all?
		const { keyCheck } = await db.selectFrom('portal').select('keyCheck').executeTakeFirstOrThrow();
		if (keyCheck === null) throw new Error('Nothing has been encrypted in this database yet.');
		const given = openVault(env);
		openCheck(given, keyCheck);
		if (env.ENCRYPTION_KEY && env.LOOKUP_KEY) checkGiven(given);
		await checkOrder(db, given, keyCheck);
		// The lock of the folder has shown that no portal runs.
		const check = async (vault: Vault, isGenerated: boolean) =>
			isEmbedded ? undefined : checkProcesses(db, vault, !isGenerated);
		await check(given, !(env.ENCRYPTION_KEY && env.LOOKUP_KEY));
		const { vault, isGenerated } = prepareVault(env);
		hasBegun = true;
		const show = drawProgress();
		// Once more, until nothing is found: what was being written with the old key while this began is written by then.
		while ((await pass(db, vault, show)) > 0);
		await retire(db, vault, !isGenerated && !isEmbedded);
		if (isGenerated) dropOld(env);
		console.log(
			isGenerated
				? 'Done: everything is under the new keys, and secrets.json holds them alone. Keep a copy of it.'
				: 'Done: everything is under the keys that come first. Drop the old ones behind them from ENCRYPTION_KEY and LOOKUP_KEY, and start the portals with what is left.'
		);
	} finally {
		await database.close();
	}
}

/** What is under keys that come behind, by kind. */
async function findBehind(db: Db, vault: Vault): Promise<Record<'encryption' | 'lookup', boolean>> {
	const found = { encryption: false, lookup: false };
	for (const one of sealed) {
		let after: string | null = null;
		do {
			const batch: Awaited<ReturnType<typeof readBatch>> = await readBatch(db, vault, one, after);
			found.encryption ||= batch.changes.some(({ encryption }) => encryption);
			found.lookup ||= batch.changes.some(({ lookup }) => lookup);
			after = batch.last;
		} while (after !== null && !(found.encryption && found.lookup));
	}
	return found;
}

/**
 * A key that is to come, behind the one that it is to replace, would be retired in its place.
 * @throws {Error} where there is no other key, or where one behind was never used.
 */
async function checkOrder(db: Db, vault: Vault, keyCheck: string): Promise<void> {
	const retired = openCheck(vault, keyCheck);
	const isFirst = isUnderFirst(vault, keyCheck);
	const behind = (kind: 'encryption' | 'lookup') => {
		const [first, ...others] = vault.keyIds[kind];
		return others.filter((id) => id !== first);
	};
	const suspect = (['encryption', 'lookup'] as const).filter(
		(kind) => isFirst[kind] && behind(kind).some((id) => !retired.includes(id))
	);
	if (suspect.length === 0) return;
	const found = await findBehind(db, vault);
	const names = suspect
		.filter((kind) => !found[kind])
		.map((kind) => ({ encryption: 'ENCRYPTION_KEY', lookup: 'LOOKUP_KEY' })[kind]);
	if (names.length === 0) return;
	const [name, verb] = [names.join(' and '), names.length > 1 ? 'begin' : 'begins'];
	throw new Error(
		`${name} ${verb} with the key that everything is under already, and nothing was ever written with the one behind it. Start all portals with the new key first and the old one behind it, then run this again in the same environment.`
	);
}

function checkGiven({ keyIds: { encryption, lookup } }: Vault): void {
	if (new Set(encryption).size > 1 || new Set(lookup).size > 1) return;
	throw new Error(
		'There is only one key of each kind. Put a new one before the old one, with a comma between them, in ENCRYPTION_KEY or LOOKUP_KEY or both.'
	);
}

try {
	await run(readEnv());
} catch (error) {
	const words = hasBegun ? 'The keys are not all replaced; run this again.' : 'The keys were not replaced.';
	console.error(`${words} ${sayFailure(error)}`);
	process.exitCode = 1;
}
