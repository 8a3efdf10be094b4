import type { ColumnType, Generated } from 'kysely';

/** What counts attempts and requests, as tables.ts has the others. */

type Timestamp = ColumnType<Date, Date | undefined, Date>;
/** bigint columns are read as numbers. */
type Count = ColumnType<number, number | undefined, number>;

export interface RateLimitTable {
	key: string;
	count: number;
	resetsAt: Date;
}

export interface RateLeaseTable {
	/** A credential or an application. */
	subject: string;
	/** By process: requests a second, until which second since 1970, and how many it wanted. */
	leases: ColumnType<Record<string, [number, number, number]>, string | undefined, string>;
	renewedAt: Timestamp;
}

export interface QuotaMonthTable {
	subject: string;
	beganAt: Date;
	/** What was given to processes. */
	taken: Count;
	/** Of how many percent its people were told. */
	told: Generated<number>;
	/** Of which limit. */
	toldMost: Count;
}
