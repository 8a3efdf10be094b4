import { sql } from 'kysely';
import type { Db } from './database.ts';
import { Refusal } from './trpc.ts';

/**
 * Counts one attempt under the key and refuses when there were more than `max` in the window. One atomic statement, so
 * that any number of attempts at once never gets more than `max` through, on every process together.
 * @param seconds length of the window, which begins with its first attempt.
 * @throws {Refusal} TOO_MANY_REQUESTS.
 */
export async function limit(db: Db, key: string, max: number, seconds: number): Promise<void> {
	const { rows } = await sql<{ count: number; wait: number }>`
		insert into rate_limit as old (key, count, resets_at)
		values (${key}, 1, now() + make_interval(secs => ${seconds}))
		on conflict (key) do update set
			count = case when old.resets_at <= now() then 1 else old.count + 1 end,
			resets_at = case when old.resets_at <= now() then excluded.resets_at else old.resets_at end
		returning count, ceil(extract(epoch from resets_at - now()))::int as wait`.execute(db);
	const row = rows[0];
	if (!row || row.count <= max) return;
	throw new Refusal(
		'TOO_MANY_REQUESTS',
		'TOO_MANY_REQUESTS',
		`That was too often. Try again in ${inWords(row.wait)}.`
	);
}

function inWords(seconds: number): string {
	const minutes = Math.max(1, Math.ceil(seconds / 60));
	if (minutes > 90) return `${Math.ceil(minutes / 60)} hours`;
	return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

/** Removes windows that are over. */
export async function deleteExpiredLimits(db: Db): Promise<void> {
	await db.deleteFrom('rateLimit').where('resetsAt', '<', new Date()).execute();
}
