import { sql } from 'kysely';
import { events, type Actor, type EventName, type Payload } from '#lib/events.ts';
import { sendAhead } from '../database/ahead.ts';
import { announce, channel, notify, type Missed } from '../database/announcing.ts';
import type { Db, Trx } from '../database/database.ts';
import { onceOver } from '../database/transaction.ts';
import { mayEnd, noteChange, type Change } from './changes.ts';

/** What is told to every process: references only, since a notification holds 8,000 bytes at most. */
export type Signal =
	/** What it tells beside the id says whether anybody there listens; a process of an older version leaves it out. */
	| ({ kind: 'event'; id: number } & Change)
	/** The account's own data changed: names, address, memberships; or, told by its commit, what it may do. */
	| { kind: 'account'; userId: string; isRight?: boolean }
	/** A person has seen an organization up to that event. */
	| { kind: 'seen'; userId: string; organizationId: string; seq: number }
	| { kind: 'mailbox' }
	| { kind: 'alarms' }
	/** A gateway has asked something, told once a minute at most. */
	| { kind: 'gateways' }
	/** Something has happened to products or plans: which ones, the events say. */
	| { kind: 'products' }
	/** Requests with credentials of these organizations were counted. */
	| { kind: 'usage'; organizationIds: string[] }
	/** Somebody has opened the editor of an e-mail, or closed it. */
	| { kind: 'editors'; name: string }
	/** People who have come to a process or left it. */
	| { kind: 'presence'; processId: string; organizationId: string; came: string[]; went: string[] }
	/** A process has ended or fallen silent, and everybody on it has left. One that fell silent may have left something untold. */
	| { kind: 'gone'; processId: string; isSilent?: boolean }
	/** The sockets in this room have lost their session. */
	| { kind: 'ended'; room: `session:${string}` | `user:${string}` }
	/** Something that may have ended what a key is worth; told by its commit, while its event is told after it. */
	| ({ kind: 'change' } & Change)
	| Missed
	/** A process tells itself that it still hears; see heartbeat.ts. */
	| { kind: 'pulse'; processId: string; at: number };

/** Told after the commit; what ends somebody's access is told by the commit itself. */
export async function signal(db: Db, what: Signal): Promise<void> {
	await signalAll(db, [what]);
}

/** As {@link signal}, in one statement however many there are. */
export async function signalAll(db: Db, all: readonly Signal[]): Promise<void> {
	const [ends, others] = [all.filter(isEnd), all.filter((one) => !isEnd(one))];
	if (ends.length > 0) await notify(db, ends.map(encodeSignal));
	await announce(db, others.map(encodeSignal));
}

const isEnd = (what: Signal) => what.kind === 'ended' || (what.kind === 'account' && what.isRight === true);
export const encodeSignal = (what: Signal): string => JSON.stringify(what);

interface Publishing {
	db: Trx;
	actor: Actor;
	organization?: { id: string; isPersonal: boolean };
}

/**
 * Writes what happened as one event, numbered and chained in the streams of its audience, and has it told once it is committed.
 *
 * Number, hash and time are taken under the lock of the row that keeps the latest, the organization's and then the
 * portal's, always in this order: the portal's row is what everybody waits for, so `publish` comes last. The rows stay
 * locked until the commit: numbers are committed in order, and a rollback leaves no gap. What the hash is made of is said
 * in programs/verify.ts.
 */
export async function publish<Name extends EventName>(
	ctx: Publishing,
	name: Name,
	payload: Payload<Name>
): Promise<void> {
	await publishMany(ctx, name, [payload]);
}

/** As {@link publish}, several of the same name in the order of the payloads: one statement, however many there are. */
export async function publishMany<Name extends EventName>(
	{ db, actor, organization }: Publishing,
	name: Name,
	payloads: readonly Payload<Name>[]
): Promise<void> {
	if (payloads.length === 0) return;
	const { audience } = events[name];
	const isForOrganization = audience !== 'portal' && organization !== undefined;
	// Personal spaces are in none of the lists that this stream keeps up to date.
	const isForPortal = audience !== 'organization' && !organization?.isPersonal;
	const given = payloads.map((payload) => ({ name, actor, payload, isForOrganization, isForPortal }));
	const organizationId = organization?.id ?? null;
	const [only, ...others] = payloads as readonly { account?: { id: string } }[];
	const accountId = others.length === 0 ? only?.account?.id : undefined;
	const change = { organizationId, name, accountId } satisfies Change;
	onceOver(db, () => noteChange(change));
	// What may lock somebody out is told by the commit itself, once however many rows there are.
	const telling = mayEnd(name)
		? sql`, pg_notify(${channel}, ${encodeSignal({ kind: 'change', ...change })})`
		: sql``;
	const statement = sql<{ id: number }>`
		select id ${telling} from publish_events(${organizationId}::uuid, ${JSON.stringify(given)}::jsonb) as id`;
	await sendAhead(db, statement, (rows) =>
		signalAll(
			db,
			rows.map(({ id }) => ({ kind: 'event', id, ...change }))
		)
	);
}
