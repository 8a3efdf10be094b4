import { CompiledQuery, type Compilable, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { Tables } from './tables.ts';

type Db = Kysely<Tables>;
type Trx = Transaction<Tables>;

/**
 * Statements whose rows nobody waits for, sent in one write with the next statement of their transaction, its commit at
 * the latest: most of the time of a change goes into its ways to the database and back.
 */

/** Goes along as the last parameter of a statement that is to be sent ahead, and never reaches the database. */
export class Ahead {
	readonly onRows: (rows: unknown[]) => unknown;

	constructor(onRows: (rows: unknown[]) => unknown) {
		this.onRows = onRows;
	}
}

/** Those whose connections can do this, and their transactions under way. */
const databases = new WeakSet<Db>();
const transactions = new WeakSet<Db>();

export const setSendingAhead = (db: Db) => void databases.add(db);

/** Has what {@link sendAhead} is given in this transaction wait for the next statement, where the database can. */
export function allowSendingAhead(db: Db, trx: Trx): void {
	if (databases.has(db)) transactions.add(trx);
}

/**
 * Carries out a statement in the order in which it was given, at once or together with the next one; its error is then
 * that one's. For what can only fail with the whole transaction: nobody is there to catch what it throws.
 * @param onRows gets what it returns, under the names that the database gives to columns; before the commit is answered.
 */
export async function sendAhead<Row>(
	trx: Trx,
	statement: Compilable<Row> | RawBuilder<Row>,
	onRows: (rows: Row[]) => unknown = () => undefined
): Promise<void> {
	const compiled = statement.compile(trx);
	if (!transactions.has(trx)) {
		const { rows } = await trx.executeQuery(compiled);
		await onRows(rows);
		return;
	}
	const ahead = new Ahead(onRows as Ahead['onRows']);
	await trx.executeQuery({ ...compiled, parameters: [...compiled.parameters, ahead] });
}

/** For the queue, which needs nothing back of what it writes. */
export const aheadOf = (trx: Trx) => ({
	async executeSql(text: string, values: unknown[] = []) {
		await sendAhead(trx, { compile: () => CompiledQuery.raw(text, values) });
		return { rows: [] };
	}
});
