import { namesAtMost, type Online } from '#lib/wire.ts';
import { noteAllSeen } from '../identity/sessions.ts';
import { attest, renew, renewSeconds, listWhereabouts, type Whereabouts } from '../news/presence.ts';
import type { Signal } from '../news/publish.ts';
import type { House } from './house.ts';
import { organizationRoom } from './rooms.ts';

/** What comes in within so many milliseconds is written and told together. */
const gather = 100;
/** The same for a crowd, whose pages show a number: for each of them. Telling all of them costs as much as they are many. */
const gatherCrowd = 0.25;
/** After what could not be written, in milliseconds. */
const again = 1000;

type Told = Extract<Signal, { kind: 'presence' | 'gone' }>;

/** An organization of which somebody has a page open on this process. */
interface Room {
	/** How many pages of this process each person has open. */
	here: Map<string, number>;
	/** On which processes each person has one, as far as it was told. */
	everywhere: Map<string, Set<string>>;
	/** What is told while it is being read; null once it was. */
	early: Told[] | null;
	/** What the pages have heard last. */
	said: string;
	timer?: NodeJS.Timeout | undefined;
}

function place(room: Room, where: string, userId: string, isThere: boolean): void {
	const processes = room.everywhere.get(userId) ?? new Set();
	if (isThere) room.everywhere.set(userId, processes.add(where));
	else if (processes.delete(where) && processes.size === 0) room.everywhere.delete(userId);
}

function take(room: Room, what: Told): void {
	if (what.kind === 'gone') {
		for (const userId of [...room.everywhere.keys()]) place(room, what.processId, userId, false);
		return;
	}
	for (const userId of what.came) place(room, what.processId, userId, true);
	for (const userId of what.went) place(room, what.processId, userId, false);
}

const stateOf = ({ everywhere }: Room): Online => ({
	count: everywhere.size,
	userIds: [...everywhere.keys().take(namesAtMost)]
});

export type Presence = ReturnType<typeof keepPresence>;

/**
 * Who is seen where. What changes is gathered, written at once for all, and told to every process with what it is; each
 * keeps in memory what holds in the rooms that it has, so that a thousand people who come back at once are some writes
 * and some words to each page, and no questions.
 */
export function keepPresence({ io, db, processId, report }: House) {
	const rooms = new Map<string, Room>();
	/** Whose presence here is to be written: by what holds when it is. */
	const changed = new Map<string, Whereabouts>();
	/** Rooms that are to be read. */
	const unread = new Set<string>();
	/** Who has closed their last page. */
	const parted = new Set<string>();
	let writing: Promise<void> | null = null;
	let writeTimer: NodeJS.Timeout | undefined;
	let isEnded = false;

	function note(organizationId: string, userId: string): void {
		changed.set(`${organizationId}:${userId}`, { organizationId, userId });
		writeSoon(gather);
	}

	function writeSoon(pause: number): void {
		if (isEnded || writing) return;
		writeTimer ??= setTimeout(() => {
			writeTimer = undefined;
			writing = write().finally(() => {
				writing = null;
				if (changed.size + unread.size + parted.size > 0) writeSoon(gather);
			});
		}, pause);
	}

	async function write(): Promise<void> {
		const marks = [...changed.values()];
		const opened = [...unread];
		const left = [...parted];
		changed.clear();
		unread.clear();
		parted.clear();
		const isHere = ({ organizationId, userId }: Whereabouts) =>
			rooms.get(organizationId)?.here.has(userId) === true;
		try {
			await attest(db, processId, {
				came: marks.filter(isHere),
				went: marks.filter((one) => !isHere(one))
			});
			await read(opened);
			await noteAllSeen(db, left);
		} catch (error) {
			report(error);
			for (const one of marks) changed.set(`${one.organizationId}:${one.userId}`, one);
			for (const id of opened) unread.add(id);
			for (const id of left) parted.add(id);
			await new Promise((resolve) => void setTimeout(resolve, again).unref());
		}
	}

	async function read(organizationIds: string[]): Promise<void> {
		const asked = organizationIds.filter((id) => rooms.has(id));
		if (asked.length === 0) return;
		for (const id of asked) (rooms.get(id) as Room).early ??= [];
		const rows = Map.groupBy(await listWhereabouts(db, asked), (row) => row.organizationId);
		for (const id of asked) {
			const room = rooms.get(id);
			if (!room?.early) continue;
			const { early } = room;
			room.early = null;
			room.everywhere = new Map();
			for (const row of rows.get(id) ?? []) place(room, row.processId, row.userId, true);
			// What was told in the meantime may be older than what was read, but then what undoes it is still to come.
			for (const what of early) take(room, what);
			say(id, room);
		}
	}

	function say(organizationId: string, room: Room): void {
		clearTimeout(room.timer);
		room.timer = undefined;
		const state = stateOf(room);
		const said = JSON.stringify(state);
		if (said === room.said) return;
		room.said = said;
		io.to(organizationRoom(organizationId)).emit('online', organizationId, state);
	}

	const interval = setInterval(() => {
		renew(db, processId).then((count) => {
			// Others took this process for silent, as after a pause of the machine.
			if (count < [...rooms.values()].reduce((sum, { here }) => sum + here.size, 0)) attestAll();
		}, report);
	}, renewSeconds * 1000);

	function attestAll(): void {
		for (const [organizationId, { here }] of rooms)
			for (const userId of here.keys()) note(organizationId, userId);
	}

	return {
		countRooms: () => rooms.size,
		/** A page of this person has come into the room; it hears who is there once that is known. */
		enter(organizationId: string, userId: string): Online | null {
			let room = rooms.get(organizationId);
			if (!room) {
				room = { here: new Map(), everywhere: new Map(), early: [], said: '' };
				rooms.set(organizationId, room);
				unread.add(organizationId);
			}
			const count = room.here.get(userId) ?? 0;
			room.here.set(userId, count + 1);
			if (count === 0) note(organizationId, userId);
			return room.early ? null : stateOf(room);
		},
		/** A page of this person has left the room. */
		leave(organizationId: string, userId: string): void {
			const room = rooms.get(organizationId);
			const count = room?.here.get(userId) ?? 0;
			if (!room || count === 0) return;
			if (count > 1) return void room.here.set(userId, count - 1);
			room.here.delete(userId);
			note(organizationId, userId);
			if (room.here.size > 0) return;
			clearTimeout(room.timer);
			rooms.delete(organizationId);
		},
		/** This person has closed their last page here. */
		part(userId: string): void {
			parted.add(userId);
			writeSoon(gather);
		},
		/** Takes in what a process has told. */
		hear(what: Told): void {
			const told = what.kind === 'gone' ? rooms : one(what.organizationId);
			for (const [organizationId, room] of told) {
				if (room.early) {
					room.early.push(what);
					continue;
				}
				take(room, what);
				const pause = Math.max(gather, room.everywhere.size * gatherCrowd);
				room.timer ??= setTimeout(() => say(organizationId, room), pause);
			}
		},
		/** Something may not have been told: what holds here is written and read anew. */
		refresh(): void {
			attestAll();
			for (const [organizationId, room] of rooms) {
				room.early ??= [];
				room.said = '';
				unread.add(organizationId);
			}
			writeSoon(0);
		},
		async stop(): Promise<void> {
			isEnded = true;
			clearInterval(interval);
			clearTimeout(writeTimer);
			for (const { timer } of rooms.values()) clearTimeout(timer);
			await writing;
			await noteAllSeen(db, [...parted]).catch(report);
		}
	};

	function one(organizationId: string): [string, Room][] {
		const room = rooms.get(organizationId);
		return room ? [[organizationId, room]] : [];
	}
}
