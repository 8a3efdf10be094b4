import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Db } from '../database/database.ts';
import { inTime } from '../database/in-time.ts';
import {
	databaseUp,
	jobs,
	mailOldestSeconds,
	mails,
	observeProcess,
	peopleOnline,
	registry
} from '../metrics.ts';

/**
 * `GET /metrics` in the text format of Prometheus. It stands on the portal's own port, behind a token: a port of its own
 * would be one more thing to close, and where a proxy passes it on, it tells nothing to whoever lacks the token.
 */

/** So many e-mails of a state are counted at most: an index is read that far and no further. */
const countedAtMost = 10_000;
/** And of so many pages the people: one after the other in memory, some ten milliseconds. */
const pagesAtMost = 100_000;
/** For so many milliseconds the database is waited for. */
const patience = 2000;

const waiting = ['queued', 'kept', 'failed'] as const;

/** What all processes share: one statement over an index, and one over the few rows in which the queue counts itself. */
async function readDatabase(db: Db): Promise<void> {
	const columns = waiting.map(
		(state) => sql`
			(select count(*)::int from (
				select from message where state = ${sql.lit(state)} limit ${sql.lit(countedAtMost)}
			) as ${sql.ref(`of_${state}`)}) as ${sql.ref(state)}`
	);
	const oldest = sql`
		(select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from message where state = 'queued') as oldest`;
	const online = sql`
		(select count(*)::int from (
			select from (select user_id from presence limit ${sql.lit(pagesAtMost)}) as page group by user_id
		) as person) as online`;
	const counted = await sql<Record<(typeof waiting)[number] | 'oldest' | 'online', number>>`
		select ${sql.join([...columns, oldest, online])}`.execute(db);
	const queues = await sql<{ name: string; deferred: number; ready: number; active: number; failed: number }>`
		select name, deferred_count as deferred, ready_count as ready, active_count as active, failed_count as failed
		from pgboss.queue where name not like '\\_\\_%'`.execute(db);
	const [row] = counted.rows;
	for (const state of waiting) mails.set({ state }, row?.[state] ?? 0);
	mailOldestSeconds.set(row?.oldest ?? 0);
	peopleOnline.set(row?.online ?? 0);
	for (const { name: queue, ...states } of queues.rows)
		for (const [state, count] of Object.entries(states)) jobs.set({ queue, state }, count);
}

/** Without the database what the process knows of itself is told all the same, and that it is away. */
async function readDatabaseInTime(db: Db, log: Logger): Promise<void> {
	for (const one of [mails, jobs]) one.reset();
	// A reset one would say 0.
	for (const one of [mailOldestSeconds, peopleOnline]) one.remove();
	try {
		await inTime(readDatabase(db), patience);
		databaseUp.set(1);
	} catch (error) {
		log.warn({ err: error }, 'the database could not be asked for figures');
		databaseUp.set(0);
	}
}

const digest = (text: string) => createHash('sha256').update(text).digest();

export function createMetrics({ db, log }: { db: Db; log: Logger }, tokens: string[]): Hono {
	const known = tokens.map(digest);
	const isKnown = (token: string) => known.filter((one) => timingSafeEqual(one, digest(token))).length > 0;
	observeProcess();
	const app = new Hono();
	app.use(async (c, next) => {
		await next();
		c.res.headers.set('cache-control', 'no-store');
	});
	app.use(async (c, next) => {
		const [, token] = /^bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
		if (token !== undefined && isKnown(token)) return next();
		const words = 'Send one of the tokens in METRICS_TOKEN as “Authorization: Bearer TOKEN”.';
		return c.text(words, 401, { 'www-authenticate': 'Bearer' });
	});
	/** Two who ask at once get one answer. */
	let answering: Promise<string> | null = null;
	async function answer(): Promise<string> {
		await readDatabaseInTime(db, log);
		return registry.metrics();
	}
	app.get('/', async (c) => {
		answering ??= answer().finally(() => (answering = null));
		return c.text(await answering, 200, { 'content-type': registry.contentType });
	});
	return app;
}
