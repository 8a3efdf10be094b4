import { namesAtMost, type Online } from '#lib/wire.ts';
import { listWhereabouts, renew, renewSeconds } from '../news/presence.ts';
import type { Signal } from '../news/publish.ts';
import type { House } from './house.ts';
import { createPresenceWriter, presencePause } from './presence-writing.ts';
import { organizationRoom } from './rooms.ts';

/**
 * How long what is told to a crowd is gathered, whose pages show a number: in milliseconds for each of its people. To tell
 * all of them costs as much as they are many.
 */
const gatherCrowd = 0.25;

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
 * Who is seen where. What changes is written at once for all, and told to every process with what it is; each keeps in
 * memory what holds in the rooms that it has, so that a thousand people who come back at once are some writes and some
 * words to each page, and no questions.
 */
export function keepPresence(house: House) {
	const { io, db, processId, report } = house;
	const rooms = new Map<string, Room>();
	const writer = createPresenceWriter(house, {
		isHere: ({ organizationId, userId }) => rooms.get(organizationId)?.here.has(userId) === true,
		read
	});

	async function read(organizationIds: readonly string[]): Promise<void> {
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
			for (const userId of here.keys()) writer.note({ organizationId, userId });
	}

	return {
		countRooms: () => rooms.size,
		/** This person has closed their last page here. */
		part: writer.part,
		/** A page of this person has come into the room; it hears who is there once that is known. */
		enter(organizationId: string, userId: string): Online | null {
			let room = rooms.get(organizationId);
			if (!room) {
				room = { here: new Map(), everywhere: new Map(), early: [], said: '' };
				rooms.set(organizationId, room);
				writer.ask(organizationId);
			}
			const count = room.here.get(userId) ?? 0;
			room.here.set(userId, count + 1);
			if (count === 0) writer.note({ organizationId, userId });
			return room.early ? null : stateOf(room);
		},
		/** A page of this person has left the room. */
		leave(organizationId: string, userId: string): void {
			const room = rooms.get(organizationId);
			const count = room?.here.get(userId) ?? 0;
			if (!room || count === 0) return;
			if (count > 1) return void room.here.set(userId, count - 1);
			room.here.delete(userId);
			writer.note({ organizationId, userId });
			if (room.here.size > 0) return;
			clearTimeout(room.timer);
			rooms.delete(organizationId);
		},
		/** Takes in what a process has told. */
		hear(what: Told): void {
			const told =
				what.kind === 'gone' ? [...rooms] : [[what.organizationId, rooms.get(what.organizationId)] as const];
			for (const [organizationId, room] of told) {
				if (!room) continue;
				if (room.early) {
					room.early.push(what);
					continue;
				}
				take(room, what);
				const pause = Math.max(presencePause, room.everywhere.size * gatherCrowd);
				room.timer ??= setTimeout(() => say(organizationId, room), pause);
			}
		},
		/** Something may not have been told: what holds here is written and read anew. */
		refresh(): void {
			attestAll();
			for (const [organizationId, room] of rooms) {
				room.early ??= [];
				room.said = '';
				writer.ask(organizationId);
			}
		},
		async stop(): Promise<void> {
			clearInterval(interval);
			for (const { timer } of rooms.values()) clearTimeout(timer);
			await writer.stop();
		}
	};
}
