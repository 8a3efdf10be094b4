import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { LiveEvent } from '../events.ts';
import { recentLength, type Online, type RefusedBecause, type Stream } from '../wire.ts';
import type { Settings } from '../settings.ts';
import type { EmailEditor } from '../views.ts';
import type { LiveSocket } from './socket.ts';
import { pauses, refusedPauses, scatter } from './pauses.ts';
import { noteHappened, serverNow } from './server-time.ts';
import { noteUsage } from './used.svelte.ts';

/**
 * The socket in the browser. The server tells, the page listens: a snapshot and the numbered events that follow it
 * make the page, and a missing number makes it ask for what it missed.
 */

/** Of events in quick succession, so many are handed on together, or what has come in so many milliseconds. */
const [burst, burstPause] = [recentLength, 50];
/** Hundreds of messages may go out in a minute: what shows them is loaded at most this often, in milliseconds. */
const mailboxPause = 300;

/**
 * `late`: no news come by themselves, and the page asks for them; `crowded`: likewise, since too many pages are open;
 * `disconnected`: nobody answers.
 */
export type ConnectionState = 'connecting' | 'connected' | 'late' | 'crowded' | 'disconnected';

/** How much of what the page asked for has come: `part` where its own data didn't. */
export type Answered = 'all' | 'part' | 'nothing';

/** What the page does of what it hears, and how it asks. */
interface Listener {
	/** Whether somebody is signed in: only then a page has more than settings to ask for. */
	isSignedIn: boolean;
	/** The account's organizations or roles changed. */
	account: () => void;
	/** The session is over. */
	ended: () => void;
	/** A message was queued or sent. */
	mailbox: () => void;
	/** An alarm began, changed or ended; a gateway has asked something; products may have changed: see lib/wire.ts. */
	alarms: () => void;
	gateways: () => void;
	products: (withinMs: number) => void;
	/** Brings the account, the settings and the page's data up to date. */
	ask: () => Promise<Answered>;
}

/** Who listens to the socket: a feed, whatever its snapshot is, or a page that shows events as they come. */
export interface Follower {
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
	/** Who has a page open, by organization. */
	readonly #online = new SvelteMap<string, Online>();
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
	#on: Listener | null = null;
	/** Whether the server has said that news reach it, since the socket is open. */
	#isHearing = false;
	/** Something may have been missed that nobody has answered yet. */
	#isBehind = false;
	#isCrowded = false;
	/** Whether the last question was answered, null before the first one; and how many in a row were not. */
	#isAnswered: boolean | null = null;
	#unansweredTimes = 0;
	#askTimer: ReturnType<typeof setTimeout> | undefined;
	#isAsking = false;
	#isAskedAgain = false;

	/** Who has a page of the organization open; null while that isn't known. */
	online(organizationId: string): Online | null {
		return (this.state === 'connected' && this.#online.get(organizationId)) || null;
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

	/** Connects as whoever is signed in now; returns what ends the connection. */
	start(on: Listener): () => void {
		this.#on = on;
		[this.#isHearing, this.#isBehind, this.#isCrowded, this.#isAnswered] = [false, false, false, null];
		this.state = 'connecting';
		let isOver = false;
		let disconnect = () => {};
		let loadTimer: ReturnType<typeof setTimeout> | undefined;
		const connect = async () => {
			const loaded = await import('./socket.ts').catch(() => null);
			if (isOver) return;
			if (loaded) return void (disconnect = this.#hear(loaded.openSocket(), on));
			// Nobody answers, as far as this page can tell.
			this.#isAnswered ??= false;
			this.#show();
			loadTimer = setTimeout(() => void connect(), scatter(refusedPauses.longest));
		};
		void connect();
		// Where nothing comes back at all, neither a connection nor a refusal.
		this.#askIn(pauses.start);
		const look = () => {
			if (document.visibilityState === 'visible') this.lookUp();
		};
		document.addEventListener('visibilitychange', look);
		return () => {
			isOver = true;
			document.removeEventListener('visibilitychange', look);
			clearTimeout(this.#askTimer);
			clearTimeout(loadTimer);
			if (this.#on === on) this.#on = null;
			clearTimeout(this.#burstTimer);
			this.#burstTimer = undefined;
			this.#waiting = [];
			disconnect();
			// Not when it starts: a page may have said by then what it shows.
			this.#told.clear();
			this.#seen.clear();
		};
	}

	/** Listens to what the socket tells; returns what ends it. */
	#hear(socket: LiveSocket, on: Listener): () => void {
		let [wasReceived, isReceived] = [false, false];
		this.#socket = socket;
		let mailboxTimer: ReturnType<typeof setTimeout> | undefined;
		let retryTimer: ReturnType<typeof setTimeout> | undefined;
		let refusedTimes = 0;
		const retry = (pause: number) => {
			clearTimeout(retryTimer);
			retryTimer = setTimeout(() => socket.connect(), scatter(pause));
		};
		const end = () => {
			clearTimeout(retryTimer);
			clearTimeout(this.#askTimer);
			this.#on = null;
			on.ended();
		};
		socket.on('connect', () => {
			refusedTimes = 0;
			this.#isCrowded = false;
			isReceived = false;
		});
		socket.on('news', (isLive) => {
			if (!isReceived) {
				// From here on the page hears what happens; between its snapshot and this moment something may have.
				if (wasReceived) this.fallBehind();
				else for (const one of this.#followers) one.catchUp();
				[wasReceived, isReceived] = [true, true];
			}
			this.#isHearing = isLive;
			this.#show();
			if (isLive && this.#isBehind) void this.#ask();
		});
		socket.on('disconnect', () => {
			this.#isHearing = false;
			this.#isAnswered = false;
			this.#show();
			// A connection that the server has closed on purpose isn't opened again by the library.
			if (!socket.active && this.#on) retry(refusedPauses.first);
		});
		socket.on('connect_error', (error) => {
			this.#isAnswered ??= false;
			// A server that is away is tried again by the library, one that refuses is not.
			if (!socket.active) {
				const { reason } = (error as { data?: { reason?: RefusedBecause } }).data ?? {};
				if (reason === 'SIGNED_OUT') return end();
				this.#isCrowded = reason === 'TOO_MANY';
				const pause = Math.min(refusedPauses.first * 2 ** refusedTimes, refusedPauses.longest);
				retry(this.#isCrowded ? refusedPauses.crowded : pause);
				refusedTimes += 1;
			}
			this.#show();
		});
		socket.on('event', (stream, event) => {
			noteHappened(event.at);
			if (stream.kind === 'organization') this.#told.set(stream.organizationId, event.seq);
			this.#waiting.push({ stream, event });
			// Before an event falls out of a snapshot's list of recent ones, which pages look into.
			if (!this.#burstTimer || this.#waiting.length >= burst) this.#handOn();
		});
		socket.on('settings', (settings) => (this.settings = settings));
		socket.on('account', () => {
			// What happened to the account was told before, and may still wait to be handed on.
			if (this.#waiting.length > 0) this.#handOn();
			on.account();
		});
		socket.on('seen', (organizationId, seq) => this.see(organizationId, seq));
		socket.on('mailbox', () => {
			mailboxTimer ??= setTimeout(() => {
				mailboxTimer = undefined;
				this.#noteMailbox();
			}, mailboxPause);
		});
		for (const word of ['alarms', 'gateways', 'products'] as const) socket.on(word, on[word]);
		socket.on('usage', noteUsage);
		socket.on('editors', (name, editors) => this.setEditors(name, editors));
		socket.on('online', (organizationId, online) => {
			const before = this.#online.get(organizationId)?.userIds ?? [];
			// In a crowd, whoever isn't named may be there all the same.
			const hasAllNames = online.count === online.userIds.length;
			for (const userId of hasAllNames ? before : [])
				if (!online.userIds.includes(userId)) this.#departed.set(userId, new Date(serverNow()).toISOString());
			this.#online.set(organizationId, online);
		});
		socket.on('resync', () => this.fallBehind());
		socket.on('ended', end);
		return () => {
			clearTimeout(mailboxTimer);
			clearTimeout(retryTimer);
			socket.disconnect();
			if (this.#socket === socket) this.#socket = null;
		};
	}

	/** The state as it is now; whoever isn't live begins to ask. */
	#show(): void {
		const before = this.state;
		if (this.#isHearing && !(this.#isBehind && this.#isAnswered === false)) this.state = 'connected';
		else if (this.#isAnswered === null) this.state = this.#socket?.connected ? 'late' : 'connecting';
		else if (!this.#isAnswered) this.state = 'disconnected';
		else this.state = this.#isCrowded ? 'crowded' : 'late';
		if (this.state === 'connected') clearTimeout(this.#askTimer);
		else if (before === 'connected' || before === 'connecting') this.#askIn(pauses.first);
	}

	#askIn(pause: number): void {
		clearTimeout(this.#askTimer);
		this.#askTimer = setTimeout(() => void this.#ask(), scatter(pause));
	}

	/** News may have been missed: asks for them now, and until somebody has answered. */
	fallBehind(): void {
		this.#isBehind = true;
		void this.#ask();
	}

	/** A part of what was missed could not be asked for now. */
	missAnswer(): void {
		this.#isBehind = true;
		if (this.state === 'connected') this.#askIn(pauses.first);
	}

	/** Somebody looks at the page, or at another one: what isn't live is asked for at once. */
	lookUp(): void {
		if (this.state !== 'connected') void this.#ask();
	}

	/** One question at a time, for everything that the page shows; as long as the page isn't live, again and again. */
	async #ask(): Promise<void> {
		const on = this.#on;
		if (!on) return;
		clearTimeout(this.#askTimer);
		if (this.#isAsking) return void (this.#isAskedAgain = true);
		this.#isAsking = true;
		this.#isBehind = false;
		const told = await on.ask();
		this.#isAsking = false;
		if (this.#on !== on) {
			if (this.#on) void this.#ask();
			return;
		}
		this.#isAnswered = told === 'all';
		this.#unansweredTimes = this.#isAnswered ? 0 : this.#unansweredTimes + 1;
		if (told !== 'nothing') for (const one of this.#followers) one.catchUp();
		if (!this.#isAnswered) this.#isBehind = true;
		else if (this.state !== 'connected') this.#noteMailbox();
		this.#show();
		if (this.#isAskedAgain) {
			this.#isAskedAgain = false;
			return this.#ask();
		}
		if (this.state === 'connected' && !this.#isBehind) return;
		const isHidden = document.visibilityState === 'hidden';
		const longest = isHidden ? pauses.hidden : on.isSignedIn ? pauses.again : pauses.signedOut;
		const shorter = this.#isHearing ? pauses.first * 2 ** this.#unansweredTimes : longest;
		this.#askIn(Math.min(shorter, longest));
	}

	#noteMailbox(): void {
		this.mailbox += 1;
		this.#on?.mailbox();
	}

	/** The first of some events at once, the others together: pages draw once for all that they get in one go. */
	#handOn(): void {
		for (const { stream, event } of this.#waiting.splice(0)) {
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
