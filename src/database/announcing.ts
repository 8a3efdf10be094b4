import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

/** Also a transaction. */
type Db = Kysely<Tables>;

/**
 * What is told to every process once it is committed. PostgreSQL lets one transaction of the whole server through at a
 * time that has something to tell, until its commit is on the disk: so transactions keep what they have to tell, and it
 * is told after their commit, gathered, from a connection of its own that waits for no disk. What a process that dies in
 * between didn't tell is found by the numbers of the streams; see src/live/streams.ts.
 */

/** The one channel on which PostgreSQL tells every server process what was committed. */
export const channel = 'portico';

/** After announcements that could not be made, in milliseconds. */
const again = 200;
/** So many wait at most; beyond that, all processes are told that something is missing. */
const waitingAtMost = 10_000;
/** So many go out in one statement: a process that was away for a while doesn't send megabytes. */
const announcedAtOnce = 1000;

export interface Announcer {
	announce(texts: readonly string[]): void;
	/** Resolves when everything was announced, or could not be within two seconds. */
	stop(): Promise<void>;
}

/** Says to every process that something was not told. */
export interface Missed {
	kind: 'missed';
}

export function createAnnouncer(send: (texts: readonly string[]) => Promise<void>): Announcer {
	let waiting: string[] = [];
	let sending: Promise<void> | null = null;

	async function sendAll(): Promise<void> {
		while (waiting.length > 0) {
			const texts = waiting.splice(0, announcedAtOnce);
			try {
				await send(texts);
			} catch {
				// The heartbeat says in the log that nothing comes through.
				waiting.unshift(...texts);
				await new Promise((resolve) => void setTimeout(resolve, again).unref());
			}
		}
	}

	return {
		announce(texts) {
			waiting.push(...texts);
			if (waiting.length > waitingAtMost) waiting = [JSON.stringify({ kind: 'missed' } satisfies Missed)];
			sending ??= sendAll().finally(() => (sending = null));
		},
		async stop() {
			const late = new Promise<void>((resolve) => void setTimeout(resolve, 2000).unref());
			await Promise.race([sending, late]);
		}
	};
}

const announcers = new WeakMap<Db, Announcer>();
const kept = new WeakMap<Db, string[]>();

export const setAnnouncer = (db: Db, announcer: Announcer) => void announcers.set(db, announcer);

/** Tells every process: at once, or after the commit of the transaction that `db` is. */
export async function announce(db: Db, texts: readonly string[]): Promise<void> {
	if (texts.length === 0) return;
	const mine = kept.get(db);
	if (mine) return void mine.push(...texts);
	const announcer = announcers.get(db);
	if (announcer) return announcer.announce(texts);
	await notify(db, texts);
}

/** Told by PostgreSQL at the commit of `db`, or never: for what must not be late. */
export async function notify(db: Db, texts: readonly string[]): Promise<void> {
	await sql`
		select pg_notify(${channel}, one)
		from jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb) as one`.execute(db);
}

/** Keeps what this transaction announces; the returned function announces it by `db`. */
export function keepAnnouncements(db: Db, trx: Db): () => void {
	const announcer = announcers.get(db);
	if (!announcer) return () => undefined;
	const texts: string[] = [];
	kept.set(trx, texts);
	return () => announcer.announce(texts);
}
