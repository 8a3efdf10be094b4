import type { createTRPCClient } from '@trpc/client';
import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../../src/database/database.ts';
import type { AppRouter } from '../../src/router.ts';

/** A list as a page asks for it, with the same rows as one would write them by hand. */

export type Api = ReturnType<typeof createTRPCClient<AppRouter>>;
export interface Visitors {
	admin: Api;
	member: Api;
}
export interface Measure {
	name: string;
	floor: RawBuilder<unknown>;
	work: (visitors: Visitors) => Promise<unknown>;
}

/** Of most lists. */
export const pageLength = 50;
/** The last row before the hundredth page. */
export const far = sql.lit(99 * pageLength - 1);

export async function one<Row>(db: Db, query: RawBuilder<Row>): Promise<Row> {
	const { rows } = await query.execute(db);
	if (!rows[0]) throw new Error('The seed is not there.');
	return rows[0];
}
export const placeIn = (db: Db, table: string, column: string, where = sql`true`) =>
	one(
		db,
		sql<{ value: string; id: string }>`select ${sql.ref(column)}::text as value, id from ${sql.table(table)}
			where ${where} order by ${sql.ref(column)} desc, id desc offset ${far} limit 1`
	);
export const afterPlace = (column: string, id: string, place: { value: string; id: string }) =>
	sql`(${sql.ref(column)}, ${sql.ref(id)}) < (${place.value}::timestamptz, ${place.id}::uuid)`;
export const both = (a: RawBuilder<unknown>, b: RawBuilder<unknown>) => sql`${a} and ${b}`;
