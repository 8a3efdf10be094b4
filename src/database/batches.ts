/** How many rows one statement deletes: nothing waits long for it. */
export const batchLength = 1000;

/** Deletes with a statement that takes {@link batchLength} rows at most, until nothing is left of them. */
export async function inBatches(
	deleteSome: () => Promise<{ numAffectedRows?: bigint | undefined }>
): Promise<number> {
	for (let all = 0; ;) {
		const some = Number((await deleteSome()).numAffectedRows ?? 0);
		all += some;
		if (some < batchLength) return all;
	}
}
