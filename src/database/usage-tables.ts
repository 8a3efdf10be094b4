import type { ColumnType } from 'kysely';
import type { UsageAnswer, UsageSpan } from '#lib/usage.ts';

/** What is counted of credentials, as tables.ts has the others. */

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface UsageCountTable {
	credentialId: string;
	span: UsageSpan;
	at: Date;
	answer: UsageAnswer;
	count: number;
}

export interface UsageWatchTable {
	span: UsageSpan;
	at: Date;
}

export interface UsageBatchTable {
	key: string;
	bodyHash: string | null;
	answer: ColumnType<object | null, string | null, never>;
	at: Timestamp;
}

export interface CredentialUseTable {
	credentialId: string;
	usedAt: Date | null;
	gatewayId: string | null;
	refusedAt: Date | null;
	lateAt: Date | null;
}

/** Requests that were let in to an API product in a month, in UTC. */
export interface AccessUseTable {
	accessId: string;
	beganAt: Date;
	count: number;
}
