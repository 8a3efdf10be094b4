import type { Socket } from 'node:net';
import pg from 'pg';
import { Ahead } from './ahead.ts';
import { afterAwake } from './in-time.ts';

/**
 * Connections to PostgreSQL that may break at any moment: while they wait in the pool, while a statement runs and between
 * two statements of a transaction. Each of these ends the call that used the connection, and nothing else.
 */

interface Patience {
	/** How long an answer may take before the connection is given up; see `afterAwake`. */
	answerMillis?: number;
}

/** How long a call may wait, in milliseconds: for a connection, for a lock, for one statement, between two of them. */
const bounds = {
	bounded: {
		connectionTimeoutMillis: 10_000,
		// By the clock of this side, for connections that have gone silent: the server's limits don't reach it any more.
		answerMillis: 17_000
	},
	/** For migrations and programs that read everything. */
	patient: { connectionTimeoutMillis: 10_000 },
	ping: { connectionTimeoutMillis: 2_000, answerMillis: 2_000 },
	announcing: { connectionTimeoutMillis: 2_000, answerMillis: 2_000 }
} as const satisfies Record<string, pg.PoolConfig & Patience>;

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

/** A statement, as Kysely and the pool give it to the driver: its text, its parameters, and perhaps a callback. */
type Statement = readonly unknown[];

const isBegin = ([text]: Statement) =>
	typeof text === 'string' && (text === 'begin' || text.startsWith('start transaction'));

/** What goes out with the statement after it. */
interface Waiting {
	statement: Statement;
	onRows?: Ahead['onRows'];
}

const nothing = { command: '', rowCount: 0, rows: [] };

/**
 * Has each statement with parameters parsed and planned once a connection instead of once a call. What begins a transaction,
 * and what is to be sent ahead, goes out in one write with the statement after it.
 */
class PreparingClient extends pg.Client {
	/** How often tables were changed under the plans of this connection, by a migration of a newer process. */
	#changes = 0;
	#waiting: Waiting[] = [];
	#answerMillis: number | undefined;

	constructor(config?: pg.ClientConfig & Patience) {
		super(config);
		this.#answerMillis = config?.answerMillis;
		// Without a listener, a connection that is lost outside of a statement would end the process.
		this.on('error', () => undefined);
	}

	get #stream(): Socket {
		return (this as unknown as { connection: { stream: Socket } }).connection.stream;
	}

	// The driver has eight forms of this; Kysely, the pool and `ping` use two.
	override query(...given: unknown[]): never {
		return this.#take(given) as never;
	}

	#take(statement: Statement): unknown {
		const [text, values] = statement;
		const ahead: unknown = Array.isArray(values) ? values.at(-1) : undefined;
		if (ahead instanceof Ahead) {
			const own = [text, (values as unknown[]).slice(0, -1)];
			this.#waiting.push({ statement: own, onRows: ahead.onRows });
			return Promise.resolve(nothing);
		}
		if (isBegin(statement)) {
			this.#waiting.push({ statement });
			return Promise.resolve(nothing);
		}
		const waiting = this.#waiting.splice(0);
		const [first] = waiting;
		if (text === 'rollback' && first)
			return isBegin(first.statement) ? Promise.resolve(nothing) : this.#send(statement);
		return first ? this.#sendTogether(waiting, statement) : this.#send(statement);
	}

	/** In one write. Once one has failed, all after it do as well: it is told of the first. */
	async #sendTogether(waiting: Waiting[], last: Statement) {
		const stream = this.#stream;
		stream.cork();
		const answers = waiting.map(async ({ statement, onRows }) => {
			const { rows } = (await this.#send(statement)) as pg.QueryResult;
			await onRows?.(rows);
		});
		const answer = this.#send(last);
		stream.uncork();
		for (const one of await Promise.allSettled(answers)) if (one.status === 'rejected') throw one.reason;
		return answer;
	}

	#send(statement: Statement): unknown {
		const query = super.query.bind(this) as unknown as (...given: unknown[]) => unknown;
		const [text, values, ...rest] = statement;
		const end = this.#endUnlessAnswered();
		const callback = statement.at(-1);
		if (typeof callback === 'function')
			return query(...statement.slice(0, -1), (...given: unknown[]) => {
				end();
				callback(...given);
			});
		const hasValues = typeof text === 'string' && Array.isArray(values) && values.length > 0;
		const name = hasValues ? nameOf(text) : undefined;
		const answer = (
			name && rest.length === 0
				? query({ name: `${name}_${this.#changes}`, text, values })
				: query(...statement)
		) as Promise<unknown>;
		answer.then(end, (error: unknown) => {
			end();
			// What is prepared here no longer fits: everything anew under other names.
			if (isOutdatedPlan(error)) this.#changes += 1;
		});
		return answer;
	}

	/** Gives the connection up, so that the pool opens another one in its place, unless the returned function is called in time. */
	#endUnlessAnswered(): () => void {
		if (!this.#answerMillis) return () => undefined;
		return afterAwake(this.#answerMillis, () => this.#stream.destroy(new Error(silence)));
	}
}

/** The server did not answer in time. */
const silence = 'The database did not answer in time';
export const isSilence = (error: unknown) => error instanceof Error && error.message === silence;

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
		// A new connection has to plan every statement anew: what a quiet portal has got is there when it is called again.
		idleTimeoutMillis: 300_000,
		Client: PreparingClient,
		// What is sent together needn't wait for each other's answers.
		pipeline: true,
		...bounds[limits],
		...setUp(limits)
	});
	// Of connections that wait in the pool: the pool has let go of them by then.
	pool.on('error', () => undefined);
	return pool;
}
