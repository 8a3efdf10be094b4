import type { Socket } from 'node:net';
import pg from 'pg';

/**
 * Connections to PostgreSQL that may break at any moment: while they wait in the pool, while a statement runs and between
 * two statements of a transaction. Each of these ends the call that used the connection, and nothing else.
 */

/** How long a call may wait, in milliseconds: for a connection, for a lock, for one statement, between two of them. */
const bounds = {
	bounded: {
		connectionTimeoutMillis: 10_000,
		// By the clock of this side, for connections that have gone silent: the server's limits don't reach it any more.
		query_timeout: 17_000
	},
	/** For migrations and programs that read everything. */
	patient: { connectionTimeoutMillis: 10_000 },
	ping: { connectionTimeoutMillis: 2_000, query_timeout: 2_000 },
	announcing: { connectionTimeoutMillis: 2_000, query_timeout: 2_000 }
} as const satisfies Record<string, pg.PoolConfig>;

/**
 * What the server itself keeps to on each of these connections. It is told by the first statement of a connection, not with
 * its first word: a pooler refuses a connection that begins with settings that it doesn't know.
 */
const settings: Record<keyof typeof bounds, Record<string, string>> = {
	bounded: {
		lock_timeout: '5s',
		statement_timeout: '15s',
		idle_in_transaction_session_timeout: '15s'
	},
	patient: {},
	ping: { statement_timeout: '2s' },
	// A commit that only tells something has nothing to lose.
	announcing: { statement_timeout: '2s', synchronous_commit: 'off' }
};

/** Tells a connection its settings, before anything else runs on it. @throws {Error} and the connection is not used. */
function setUp(limits: keyof typeof bounds): { onConnect?: (client: pg.ClientBase) => Promise<void> } {
	const all = Object.entries(settings[limits]);
	if (all.length === 0) return {};
	const text = `select ${all.map(([name, value]) => `set_config('${name}', '${value}', false)`).join(', ')}`;
	return {
		async onConnect(client) {
			await client.query(text);
		}
	};
}

/** bigint is read as a number: 2^53 events are enough for every stream. */
const types: pg.CustomTypesConfig = {
	getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
		oid === pg.types.builtins.INT8
			? Number
			: pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser
};

/** Of texts with lists of changing length there are any number; these are prepared anew each time. */
const namedAtMost = 500;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
	const known = names.get(text);
	if (known || names.size >= namedAtMost) return known;
	const name = `portico_${names.size}`;
	names.set(text, name);
	return name;
}

/** Has each statement with parameters parsed and planned once a connection instead of once a call. */
class PreparingClient extends pg.Client {
	/** How often tables were changed under the plans of this connection, by a migration of a newer process. */
	#changes = 0;

	constructor(config?: string | pg.ClientConfig) {
		super(config);
		// Without a listener, a connection that is lost outside of a statement would end the process.
		this.on('error', () => undefined);
	}

	// The driver has eight forms of this; Kysely, the pool and `ping` use two.
	override query(...given: unknown[]): never {
		const query = super.query.bind(this) as unknown as (...given: unknown[]) => never;
		const [text, values, ...rest] = given;
		const hasValues = typeof text === 'string' && Array.isArray(values) && values.length > 0;
		const name = hasValues ? nameOf(text) : undefined;
		const answer: unknown =
			name && rest.length === 0 ? query({ name: `${name}_${this.#changes}`, text, values }) : query(...given);
		if (!(answer instanceof Promise)) return answer as never;
		answer.catch((error: unknown) => {
			// Nothing comes from there any more: the pool is to open another one in its place.
			if (isSilence(error))
				(this as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
			// What is prepared here no longer fits: everything anew under other names.
			if (isOutdatedPlan(error)) this.#changes += 1;
		});
		return answer as never;
	}
}

/** The server did not answer in time: the driver says so without a code. */
export const isSilence = (error: unknown) => error instanceof Error && error.message === 'Query read timeout';

/** A statement was planned before its tables were changed, and what it returns is no longer the same. */
export const isOutdatedPlan = (error: unknown) =>
	error instanceof pg.DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery';

export function createPool(
	url: string,
	{ max, limits, name = 'portico' }: { max: number; limits: keyof typeof bounds; name?: string }
): pg.Pool {
	const pool = new pg.Pool({
		connectionString: url,
		max,
		types,
		application_name: name,
		keepAlive: true,
		Client: PreparingClient,
		...bounds[limits],
		...setUp(limits)
	});
	// Of connections that wait in the pool: the pool has let go of them by then.
	pool.on('error', () => undefined);
	return pool;
}
