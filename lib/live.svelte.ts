import { io, type Socket } from 'socket.io-client';
import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { recentLength } from './apply.ts';
import type { LiveEvent } from './events.ts';
import type { ServerToClient, Stream } from './wire.ts';
import type { EmailEditor, Settings } from './views.ts';

/**
 * The socket in the browser. The server tells, the page listens: a snapshot and the numbered events that follow it
 * make the page, and a missing number makes it ask for what it missed.
 */

type LiveSocket = Socket<ServerToClient, Record<string, never>>;

/** Of events in quick succession, so many are handed on together, or what has come in so many milliseconds. */
const [burst, burstPause] = [recentLength, 50];
/** Hundreds of messages may go out in a minute: what shows them is loaded at most this often, in milliseconds. */
const mailboxPause = 300;

export type ConnectionState = 'connecting' | 'connected' | 'disconnected';

export const isSameStream = (one: Stream, other: Stream) =>
	one.kind === 'organization' && other.kind === 'organization'
		? one.organizationId === other.organizationId
		: one.kind === other.kind;

/** Who listens to the socket: a feed, whatever its snapshot is, or a page that shows events as they come. */
interface Follower {
	hears(stream: Stream): boolean;
	take(event: LiveEvent): void;
	/** News may have been missed. */
	catchUp(): void;
}

class Live {
	state = $state<ConnectionState>('connecting');
	/** The portal's settings as last told; null until the first word. */
	settings = $state.raw<Settings | null>(null);
	/** The page is about to end its own session, and leads on by itself. */
	isLeaving = false;
	/** Grows when messages were queued or sent: once for many at a time. */
	mailbox = $state(0);
	/** Ids of the people with a page open, by organization. */
	readonly #online = new SvelteMap<string, ReadonlySet<string>>();
	/** Who has the editor of an e-mail open, by its name. */
	readonly #editors = new SvelteMap<string, readonly EmailEditor[]>();
	/** When somebody closed their last page, as far as this page has heard of it; ISO 8601. */
	readonly #departed = new SvelteMap<string, string>();
	/** The number of the last event told of each organization, and the last one that the person has seen. */
	readonly #told = new SvelteMap<string, number>();
	readonly #seen = new SvelteMap<string, number>();
	readonly #followers = new Set<Follower>();
	/** What has come and is not handed on yet. */
	#waiting: { stream: Stream; event: LiveEvent }[] = [];
	#burstTimer: ReturnType<typeof setTimeout> | undefined;
	#socket: LiveSocket | null = null;
	#hadConnection = false;

	online(organizationId: string): ReadonlySet<string> {
		return this.#online.get(organizationId) ?? new Set<string>();
	}

	editors(name: string): readonly EmailEditor[] {
		return this.#editors.get(name) ?? [];
	}

	setEditors(name: string, editors: readonly EmailEditor[]): void {
		this.#editors.set(name, editors);
	}

	departedAt(userId: string): string | null {
		return this.#departed.get(userId) ?? null;
	}

	/** Whether something has happened in the organization since the person last had it open, here or elsewhere. */
	hasNews({ id, seq, seenSeq }: { id: string; seq: number; seenSeq: number }): boolean {
		return Math.max(seq, this.#told.get(id) ?? 0) > Math.max(seenSeq, this.#seen.get(id) ?? 0);
	}

	/** The person has seen the organization up to this event. */
	see(organizationId: string, seq: number): void {
		this.#seen.set(organizationId, Math.max(seq, this.#seen.get(organizationId) ?? 0));
	}

	/**
	 * Connects as whoever is signed in now; returns what ends the connection.
	 * `onAccount`: the account's organizations or roles changed. `onEnded`: the session is over.
	 * `mailbox`: a message was queued or sent.
	 */
	start(on: { account: () => void; ended: () => void; mailbox: () => void; stale: () => void }): () => void {
		this.state = 'connecting';
		this.#hadConnection = false;
		const socket: LiveSocket = io({
			transports: ['websocket'],
			reconnectionDelay: 300,
			reconnectionDelayMax: 5000,
			forceNew: true
		});
		this.#socket = socket;
		let mailboxTimer: ReturnType<typeof setTimeout> | undefined;
		socket.on('connect', () => {
			this.state = 'connected';
			// Between the page's snapshot and this moment something may have happened.
			for (const one of this.#followers) one.catchUp();
			if (this.#hadConnection) on.stale();
			this.#hadConnection = true;
		});
		socket.on('disconnect', () => (this.state = 'disconnected'));
		socket.on('connect_error', () => {
			this.state = 'disconnected';
			// A server that refuses, other than one that is away, is not asked again by the library.
			if (!socket.active) on.ended();
		});
		socket.on('event', (stream, event) => {
			if (stream.kind === 'organization') this.#told.set(stream.organizationId, event.seq);
			this.#waiting.push({ stream, event });
			// Before an event falls out of a snapshot's list of recent ones, which pages look into.
			if (!this.#burstTimer || this.#waiting.length >= burst) this.#handOn();
		});
		socket.on('settings', (settings) => (this.settings = settings));
		socket.on('account', on.account);
		socket.on('seen', (organizationId, seq) => this.see(organizationId, seq));
		socket.on('mailbox', () => {
			mailboxTimer ??= setTimeout(() => {
				mailboxTimer = undefined;
				this.mailbox += 1;
				on.mailbox();
			}, mailboxPause);
		});
		socket.on('editors', (name, editors) => this.setEditors(name, editors));
		socket.on('online', (organizationId, userIds) => this.#online.set(organizationId, new Set(userIds)));
		socket.on('presence', (organizationId, userId, isOnline) => {
			const next = new Set(this.online(organizationId));
			if (isOnline) next.add(userId);
			else {
				next.delete(userId);
				this.#departed.set(userId, new Date().toISOString());
			}
			this.#online.set(organizationId, next);
		});
		socket.on('resync', () => {
			for (const one of this.#followers) one.catchUp();
			on.stale();
		});
		socket.on('ended', on.ended);
		return () => {
			clearTimeout(mailboxTimer);
			clearTimeout(this.#burstTimer);
			this.#burstTimer = undefined;
			this.#waiting = [];
			socket.disconnect();
			// Not when it starts: a page may have said by then what it shows.
			this.#told.clear();
			this.#seen.clear();
			if (this.#socket === socket) this.#socket = null;
		};
	}

	/** The first of some events at once, the others together: pages draw once for all that they get in one go. */
	#handOn(): void {
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const { stream, event } of waiting) {
			for (const one of this.#followers) if (one.hears(stream)) one.take(event);
		}
		this.#burstTimer ??= setTimeout(() => {
			this.#burstTimer = undefined;
			if (this.#waiting.length > 0) this.#handOn();
		}, burstPause);
	}

	/** Listens until the returned function is called. */
	follow(follower: Follower): () => void {
		this.#followers.add(follower);
		// Neither the connection nor what the follower looks at makes it begin anew.
		untrack(() => {
			if (this.state === 'connected') follower.catchUp();
		});
		return () => this.#followers.delete(follower);
	}

	/** After an own change: what it caused has to be on the page even while the socket is away. */
	settle(): void {
		if (this.state === 'connected') return;
		for (const one of this.#followers) one.catchUp();
	}
}

export const live = new Live();

/** For how long a row that somebody else changed is shown as fresh, in milliseconds. */
const freshness = 4000;
/** How many past events are kept, to be applied again on a snapshot that was older than they are. */
const memory = 200;

/** One stream's snapshot, kept up to date. */
export class Feed<Snapshot extends { seq: number }> implements Follower {
	readonly #stream: Stream;
	readonly #apply: (snapshot: Snapshot, event: LiveEvent) => Snapshot;
	readonly #since: (after: number) => Promise<{ events: LiveEvent[] | null }>;
	readonly #reload: () => void;
	readonly #onEvent: (event: LiveEvent) => void;
	#current = $state.raw() as Snapshot;
	readonly #fresh = new SvelteSet<string>();
	/** Recent events by number: applied ones, and ones that wait for a missing number. */
	readonly #known = new Map<number, LiveEvent>();
	#asking = false;
	#askAgain = false;

	constructor(
		snapshot: Snapshot,
		parts: {
			stream: Stream;
			apply: (snapshot: Snapshot, event: LiveEvent) => Snapshot;
			/** Asks the server for the events after a number; null when there are too many. */
			since: (after: number) => Promise<{ events: LiveEvent[] | null }>;
			/** Loads the snapshot again. */
			reload: () => void;
			/** Called once for each event, as it is applied. */
			onEvent: (event: LiveEvent) => void;
		}
	) {
		this.#current = snapshot;
		this.#stream = parts.stream;
		this.#apply = parts.apply;
		this.#since = parts.since;
		this.#reload = parts.reload;
		this.#onEvent = parts.onEvent;
	}

	get current(): Snapshot {
		return this.#current;
	}

	/** Whether somebody else has just changed the row with this id. */
	isFresh(id: string): boolean {
		return this.#fresh.has(id);
	}

	/** Marks a row as fresh for some seconds. */
	touch(id: string): void {
		this.#fresh.add(id);
		setTimeout(() => this.#fresh.delete(id), freshness);
	}

	/** Puts a snapshot that was loaded again in place of the present one; events that came meanwhile stay applied. */
	replace(snapshot: Snapshot): void {
		this.#current = snapshot;
		this.#advance(false);
	}

	/** Adds to the snapshot what was asked for afterwards. */
	extend(change: (snapshot: Snapshot) => Snapshot): void {
		this.#current = change(this.#current);
	}

	hears(stream: Stream): boolean {
		return isSameStream(this.#stream, stream);
	}

	/** Takes an event in, whenever it comes: late, twice or too early. */
	take(event: LiveEvent): void {
		if (event.seq <= this.#current.seq) return;
		this.#known.set(event.seq, event);
		this.#advance(true);
		if (this.#known.has(event.seq) && event.seq > this.#current.seq) this.catchUp();
	}

	#advance(isNews: boolean): void {
		for (let event; (event = this.#known.get(this.#current.seq + 1));) {
			this.#current = this.#apply(this.#current, event);
			if (isNews) this.#onEvent(event);
		}
		for (const seq of this.#known.keys()) if (seq <= this.#current.seq - memory) this.#known.delete(seq);
	}

	/** Asks for everything after the last applied number. Several wishes at once become one question. */
	catchUp(): void {
		if (this.#asking) {
			this.#askAgain = true;
			return;
		}
		this.#asking = true;
		this.#since(this.#current.seq)
			.then(({ events }) => {
				if (!events) return this.#reload();
				for (const event of events) this.#known.set(event.seq, event);
				this.#advance(true);
			}, this.#reload)
			.finally(() => {
				this.#asking = false;
				if (!this.#askAgain) return;
				this.#askAgain = false;
				this.catchUp();
			});
	}
}
