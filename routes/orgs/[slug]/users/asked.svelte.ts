import { SvelteMap } from 'svelte/reactivity';
import type { OrganizationSnapshot } from '#lib/apply.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import { live } from '#lib/browser/live.svelte.ts';
import { toast } from '#lib/browser/toasts.svelte.ts';
import { isOneOf } from '#lib/event-patterns.ts';
import type { LiveEvent } from '#lib/events.ts';
import { searchKey } from '#lib/search.ts';
import type { Cursor } from '#lib/views.ts';
import { api, refusalOf } from '../../../api.ts';
import { createOrganizationFeed } from '../../../feeds.ts';
import { withPeople } from '../more-people.ts';
import { listEntries, sentAt, type Entry, type Filter } from './roster.ts';

export type Page = Awaited<ReturnType<typeof api.members.list.query>>;
export type Query = { search: string; filter: Filter };

/** How long nobody types or does anything before the server is asked, in milliseconds. */
const pause = 150;

/**
 * The list of people where there are too many to send all of them: the server finds, sorts and counts, and the page has
 * what it has asked for, with what has happened to it since. It has a feed of its own, since it knows its people as of
 * another event than the page knows the organization.
 */
export class AskedRoster {
	readonly #organizationId: string;
	readonly #feed: Feed<OrganizationSnapshot>;
	/** What the page wants to see, and what the rows were asked for: another one while the answer is on its way. */
	#wanted: Query = $state.raw({ search: '', filter: 'all' });
	#given: Query = $state.raw({ search: '', filter: 'all' });
	#next = $state.raw<Cursor | null>(null);
	/** The last row of those asked for: what comes after it is not shown before its turn. */
	#isBefore: (entry: Entry) => boolean = $state.raw(() => true);
	#count = $state.raw(0);
	#seen = $state.raw<Record<string, string>>({});
	#isLoading = false;
	readonly #open = new SvelteMap<string, number>();
	#timer: ReturnType<typeof setTimeout> | undefined;
	#countTimer: ReturnType<typeof setTimeout> | undefined;

	/** What is searched for is left to whoever shows them. */
	readonly entries: Entry[] = $derived.by(() => {
		const { members, invitations } = this.#feed.current;
		return listEntries(members, invitations, true).filter((entry) => this.#isBefore(entry));
	});

	constructor(snapshot: OrganizationSnapshot, first: Page, query: Query) {
		this.#organizationId = snapshot.organization.id;
		this.#wanted = query;
		this.#feed = createOrganizationFeed(
			this.#snapshotOf(snapshot, first),
			(event) => this.#hear(event),
			() => void this.#begin()
		);
		this.#note(first, query);
	}

	/** Keeps it up to date until the returned function is called. */
	follow(): () => void {
		const unfollow = live.follow(this.#feed);
		return () => {
			unfollow();
			clearTimeout(this.#timer);
			clearTimeout(this.#countTimer);
		};
	}

	get seen(): Record<string, string> {
		return this.#seen;
	}

	get isAsking(): boolean {
		return this.#wanted !== this.#given;
	}

	/** Where the list goes on. */
	get next(): Cursor | null {
		return this.#next;
	}

	/** How many fit, where the page doesn't have all of them. */
	get count(): number | null {
		return this.#next && this.#count;
	}

	ask(query: Query): void {
		const { search, filter } = this.#wanted;
		if (query.filter === filter && searchKey(query.search) === searchKey(search)) return;
		this.#wanted = query;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.#begin(), pause);
	}

	/** How many invitations that somebody has sent are open; 0 until that is known. */
	openOf(userId: string): number {
		if (!this.#open.has(userId)) queueMicrotask(() => void this.#countOpen(userId));
		return this.#open.get(userId) ?? 0;
	}

	async more(): Promise<void> {
		const next = this.#next;
		if (!next || this.#isLoading || this.isAsking) return;
		this.#isLoading = true;
		const query = this.#given;
		const page = await this.#ask(query, next);
		// Another list may have been asked for meanwhile.
		if (page && next === this.#next) {
			this.#note(page, query);
			this.#put(withPeople(this.#feed.current, page), page.seq);
		}
		this.#isLoading = false;
	}

	async #begin(): Promise<void> {
		const query = this.#wanted;
		const page = await this.#ask(query);
		if (query !== this.#wanted) return;
		// What can't be asked now leaves the list as it was.
		if (page) {
			this.#put(this.#snapshotOf(this.#feed.current, page), page.seq);
			this.#note(page, query);
		} else this.#given = query;
	}

	async #ask({ search, filter }: Query, after?: Cursor): Promise<Page | null> {
		const organizationId = this.#organizationId;
		try {
			return await api.members.list.query({ organizationId, search, filter, ...(after && { after }) });
		} catch (error) {
			toast.error(refusalOf(error).message);
			return null;
		}
	}

	/** A page with its people alone. */
	#snapshotOf(snapshot: OrganizationSnapshot, { seq, members, invitations }: Page): OrganizationSnapshot {
		const nothing = { counts: null, applications: [], accesses: [], recent: [] };
		return { ...snapshot, ...nothing, seq, members, invitations };
	}

	/** From the older of what is known and what was read on, everything is applied: to what has it already for the second time. */
	#put(snapshot: OrganizationSnapshot, seq: number): void {
		const known = this.#feed.current.seq;
		this.#feed.replace({ ...snapshot, seq: Math.min(known, seq) });
		if (this.#feed.current.seq < known) this.#feed.catchUp();
	}

	#note({ next, count, seen, invitations }: Page, query: Query): void {
		this.#given = query;
		this.#next = next;
		if (count !== null) this.#count = count;
		this.#seen = { ...this.#seen, ...seen };
		const earliest = Math.min(...invitations.map((one) => Date.parse(one.sentAt)));
		if (!next) this.#isBefore = () => true;
		else if (query.filter === 'invited') this.#isBefore = (entry) => sentAt(entry) >= earliest;
		else this.#isBefore = ({ text }) => text <= next.value;
	}

	#hear({ payload, name }: LiveEvent): void {
		if ('invitation' in payload) {
			for (const userId of [...this.#open.keys()]) void this.#countOpen(userId);
		}
		if (!isOneOf(name, ['member.*', 'invitation.*']) || !searchKey(this.#given.search) || !this.#next) return;
		clearTimeout(this.#countTimer);
		this.#countTimer = setTimeout(() => void this.#countAgain(), pause);
	}

	async #countAgain(): Promise<void> {
		const query = this.#given;
		const page = await this.#ask(query);
		if (page && query === this.#given) this.#count = page.count ?? 0;
	}

	async #countOpen(inviterId: string): Promise<void> {
		if (!this.#open.has(inviterId)) this.#open.set(inviterId, 0);
		const asking = api.invitations.count.query({ organizationId: this.#organizationId, inviterId });
		// The server refuses or revokes by itself: what can't be counted isn't warned of.
		const answer = await asking.catch(() => null);
		if (answer) this.#open.set(inviterId, answer.count);
	}
}
