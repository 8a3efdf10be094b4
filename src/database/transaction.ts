import { setTimeout as sleep } from 'node:timers/promises';
import { allowSendingAhead } from './ahead.ts';
import { keepAnnouncements } from './announcing.ts';
import type { Db, Trx } from './database.ts';
import { isOutdatedPlan, isSilence } from './pool.ts';
import { Busy } from './turns.ts';

/** Transactions, and what the database's errors mean for whoever asked. */

const codeOf = (error: unknown) =>
	error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/**
 * Deadlock and serialization failure, and a plan that a migration of a newer process has outdated. What was written
 * is rolled back, and done again it succeeds.
 */
function canBeTriedAgain(error: unknown): boolean {
	const code = codeOf(error);
	return code === '40P01' || code === '40001' || isOutdatedPlan(error);
}

/** What the driver says without a code of its own. */
const lostWords =
	/^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying)/;
const networkCodes = new Set(
	'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL EMFILE ENFILE'.split(
		' '
	)
);
/** lock_not_available, query_canceled by a timeout, idle in transaction, a database that only reads or isn't open. */
const boundCodes = new Set(['55P03', '57014', '25P03', '25006', '55000', '3D000']);

/**
 * Whether the call could not be carried out now, for want of the database or since something took too long: nothing
 * is wrong with it, and it can be made again. A connection exception (08) or an operator's intervention (57P).
 */
export function isUnavailable(error: unknown): boolean {
	if (error instanceof Busy) return true;
	if (!(error instanceof Error)) return false;
	if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true;
	const code = codeOf(error);
	return (
		boundCodes.has(code) ||
		networkCodes.has(code) ||
		// Connections, credentials that no longer hold, resources, an operator, the disk.
		/^(?:08|28|53|57P|58)/.test(code) ||
		isSilence(error) ||
		lostWords.test(error.message) ||
		canBeTriedAgain(error)
	);
}

/** What was refused before anything of it could be written; of any other outage nobody knows how far the call came. */
const isBefore = (error: unknown) =>
	error instanceof Busy ||
	['ECONNREFUSED', '55P03', '25006', '3D000', '40P01', '40001'].includes(codeOf(error));

/** Whether the call may have been carried out all the same: its connection was lost, perhaps at the commit. */
export const isUncertain = (error: unknown) => !isBefore(error);

const attemptsAtMost = 4;

/** What has to be done as soon as a transaction is over, by the transaction. */
const ends = new WeakMap<Trx, (() => void)[]>();

/**
 * Runs as soon as the transaction is committed, before whoever made it goes on; where nobody can say whether it was, all
 * the same. One that {@link transact} didn't begin has no such moment: it runs at once.
 */
export function onceOver(trx: Trx, run: () => void): void {
	const waiting = ends.get(trx);
	if (waiting) waiting.push(run);
	else run();
}

/**
 * Runs a transaction, and once more where the database broke it off for the sake of another one. `run` may therefore be
 * called several times: what it does outside of the database it must be able to do again.
 */
export async function transact<Result>(
	db: Db,
	run: (trx: Trx) => Promise<Result>,
	isReading = false
): Promise<Result> {
	for (let attempt = 1; ; attempt += 1) {
		let announceKept = () => {};
		const waiting: (() => void)[] = [];
		const runAndKeep = (trx: Trx) => {
			announceKept = keepAnnouncements(db, trx);
			allowSendingAhead(db, trx);
			ends.set(trx, waiting);
			return run(trx);
		};
		try {
			const transaction = isReading
				? db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
				: db.transaction();
			const result = await transaction.execute(isReading ? run : runAndKeep);
			announceKept();
			return result;
		} catch (error) {
			// Perhaps it was committed all the same; of what wasn't, nothing is found.
			if (isUnavailable(error) && isUncertain(error)) announceKept();
			if (!canBeTriedAgain(error) || attempt === attemptsAtMost) throw error;
			// Not in step with the other one, which may try again as well.
			await sleep(Math.random() * 40 * attempt);
		} finally {
			for (const end of waiting) end();
		}
	}
}

/**
 * Runs one call in one transaction, as {@link transact} does; where it only reads, it sees one state of the database.
 * tRPC's next() reports an error instead of throwing it; only a throw rolls the transaction back, or has it tried again.
 */
export async function inTransaction<Result extends { ok: boolean }>(
	db: Db,
	run: (trx: Trx) => Promise<Result>,
	isReading = false
): Promise<Result> {
	let failed: Result | undefined;
	const attempt = async (trx: Trx) => {
		failed = undefined;
		const result = await run(trx);
		if (result.ok) return result;
		failed = result;
		const { error } = result as { error?: Error };
		throw error?.cause ?? error;
	};
	try {
		return await transact(db, attempt, isReading);
	} catch (error) {
		if (failed) return failed;
		throw error;
	}
}
