import type { Db, Trx } from '../database/database.ts';
import { transact } from '../database/transaction.ts';

/** Telling of a change the organizations whom it concerns, however many they are, so that nobody waits for all of them. */

/** How many organizations are looked for at once. */
const lookedForAtOnce = 500;

/**
 * One organization after the other, each in a transaction of its own: one that can't be told holds up no other. Returns how
 * many could not be told.
 * @param list the next ones behind that id, in the order of their ids, `most` of them at most.
 */
export async function tellEach(
	db: Db,
	list: (after: string, most: number) => Promise<{ organizationId: string }[]>,
	tell: readonly ((db: Trx, organizationId: string) => Promise<void>)[],
	report: (error: unknown) => void
): Promise<number> {
	let failed = 0;
	for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
		const due = await list(after, lookedForAtOnce);
		for (const { organizationId } of due) {
			try {
				for (const one of tell) await transact(db, (trx) => one(trx, organizationId));
			} catch (error) {
				report(error);
				failed += 1;
			}
			after = organizationId;
		}
		if (due.length < lookedForAtOnce) return failed;
	}
}
