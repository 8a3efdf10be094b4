import { isKnown, type LiveEvent } from '#lib/events.ts';
import type { Signal } from '../news/publish.ts';
import { liveEventOf } from '../procedures/activity/activity.ts';
import { listEditors } from '../procedures/emails/emails.ts';
import { idsIn, textsIn } from '../database/sets.ts';
import { eventAgeSeconds } from '../metrics.ts';
import type { Attendance } from './attendance.ts';
import type { House } from './house.ts';
import { listAdmins, organizationRoom, userRoom } from './rooms.ts';
import type { EventRow, Streams } from './streams.ts';

/** What is told in the order in which it was committed. */
export type News =
	| Exclude<Signal, { kind: 'pulse' | 'ended' | 'presence' | 'gone' | 'missed' | 'change' }>
	/** A stream has gone further than it was told here; the portal's own is null. */
	| { kind: 'behind'; organizationId: string | null };

/** Its invitees see its name and whether they can come in. */
const isAboutAll = (name: string) =>
	['organization.renamed', 'organization.suspended', 'organization.restored'].includes(name);

const isReopened = (name: string) => ['organization.requested', 'organization.restored'].includes(name);

/** So many milliseconds the pages of a process take to ask again, so that they don't all come at once. */
const spreadOver = (pages: number) => Math.min(pages * 5, 15_000);

/** Told to people who aren't in the organization's room, or not yet. */
const isForOthers = (name: string) =>
	name.startsWith('invitation.') ||
	isAboutAll(name) ||
	isReopened(name) ||
	['member.joined', 'settings.updated'].includes(name);

/**
 * Tells the sockets of this process what was committed. What has come in is asked for in a few questions, however much it
 * is, and then told without waiting for anything: a process without listeners asks nothing.
 */
export function createTeller({ io, db }: House, attendance: Attendance, streams: Streams) {
	const { socketsIn, exit, bring, setAdmins, setRooms } = attendance;
	const hasRoom = (room: string) => io.sockets.adapter.rooms.has(room);

	const isHeard = ({ id, name, organizationId }: Extract<News, { kind: 'event' }>) =>
		!streams.isDone(id) &&
		(name === undefined ||
			hasRoom('admins') ||
			isForOthers(name) ||
			(organizationId != null && hasRoom(organizationRoom(organizationId))));

	async function tell(news: News[]): Promise<void> {
		const found = await look(news);
		const rows = found.rows.values();
		let row = rows.next();
		const late: EventRow[] = [];
		const tellUntil = (id: number) => {
			for (; row.value && row.value.id <= id; row = rows.next())
				if (!tellEvent(row.value, found)) late.push(row.value);
		};
		for (const what of news) {
			if (what.kind === 'event') tellUntil(what.id);
			else if (what.kind !== 'behind') tellWord(what, found);
		}
		tellUntil(Infinity);
		// What they opened or closed may have been undone since.
		await setRooms(late.flatMap((one) => concernedBy(one, found)).flatMap((id) => socketsIn(userRoom(id))));
	}

	type Found = Awaited<ReturnType<typeof look>>;

	async function look(news: News[]) {
		const events = news.filter((one) => one.kind === 'event').filter(isHeard);
		const moved = [...events, ...news.filter((one) => one.kind === 'behind')];
		const users = news.flatMap((one) =>
			one.kind === 'account' && hasRoom(userRoom(one.userId)) ? one.userId : []
		);
		const names = new Set(news.flatMap((one) => (one.kind === 'editors' ? one.name : [])));
		const [rows, admins, editors] = await Promise.all([
			moved.length === 0
				? []
				: streams.read(
						events.map(({ id }) => id),
						moved.flatMap(({ organizationId }) => organizationId ?? [])
					),
			users.length > 0 ? listAdmins(db, users) : new Map<string, number>(),
			Promise.all([...names].map(async (name) => [name, await listEditors(db, name)] as const))
		]);
		const told = rows.flatMap((row) => liveEventOf(row, 'organization') ?? []);
		const [members, invitees] = await Promise.all([listMembers(told), listInvitees(told)]);
		return { rows, admins, editors: new Map(editors), members, invitees };
	}

	/** Whose rooms an event is about. */
	function concernedBy(row: EventRow, { members }: Found): string[] {
		const event = liveEventOf(row, 'organization');
		if (!event || !row.organizationId) return [];
		const all = members.get(row.organizationId) ?? [];
		const own = isKnown(event) && 'member' in event.payload ? event.payload.member.userId : [];
		return all.map(({ userId }) => userId).concat(own);
	}

	/** The members of the organizations that these events open, by their organizations. */
	async function listMembers(events: LiveEvent[]) {
		const ids = events.flatMap(({ name, organizationId }) => (isReopened(name) && organizationId) || []);
		if (ids.length === 0) return new Map<string, { userId: string; isPersonal: boolean }[]>();
		const rows = await db
			.selectFrom('membership')
			.innerJoin('organization', 'organization.id', 'membership.organizationId')
			.select(['organizationId', 'userId', 'isPersonal'])
			.where('organizationId', 'in', idsIn(ids))
			.execute();
		return Map.groupBy(rows, ({ organizationId }) => organizationId);
	}

	/** The owners of invited addresses: by the address, and by the organization where an event is about all of them. */
	async function listInvitees(events: LiveEvent[]) {
		const emails = events.flatMap((one) =>
			isKnown(one) && 'invitation' in one.payload ? one.payload.invitation.email : []
		);
		const ids = events.flatMap(({ name, organizationId }) => (isAboutAll(name) && organizationId) || []);
		const proven = db.selectFrom('account').where('account.emailVerifiedAt', 'is not', null);
		const owners = proven.select(['account.id', 'account.email as key']);
		const invited = proven
			.innerJoin('invitation', 'invitation.email', 'account.email')
			.select(['account.id', 'invitation.organizationId as key'])
			.where('invitation.state', '=', 'pending');
		const rows = await Promise.all([
			emails.length > 0 ? owners.where('account.email', 'in', textsIn(emails)).execute() : [],
			ids.length > 0 ? invited.where('invitation.organizationId', 'in', idsIn(ids)).execute() : []
		]);
		return Map.groupBy(rows.flat(), ({ key }) => key);
	}

	function tellWord(what: Exclude<News, { kind: 'event' | 'behind' }>, { admins, editors }: Found): void {
		switch (what.kind) {
			case 'account':
				setAdmins(socketsIn(userRoom(what.userId)), admins);
				io.to(userRoom(what.userId)).emit('account');
				return;
			case 'seen':
				io.to(userRoom(what.userId)).emit('seen', what.organizationId, what.seq);
				return;
			case 'mailbox':
			case 'alarms':
			case 'gateways':
				io.to('admins').emit(what.kind);
				return;
			case 'products':
				// Without a name: whoever may see one of them finds out by asking.
				io.emit('products', spreadOver(io.sockets.sockets.size));
				return;
			case 'usage':
				for (const id of what.organizationIds) io.to(organizationRoom(id)).emit('usage', id);
				io.to('admins').emit('usage', null);
				return;
			case 'editors':
				io.to('admins').emit('editors', what.name, editors.get(what.name) ?? []);
		}
	}

	/** Returns false where it comes so late that its doors are as somebody who came later has found them. */
	function tellEvent(row: EventRow, found: Found): boolean {
		const isInTime = streams.note(row);
		eventAgeSeconds.observe(Math.max(0, Date.now() - row.at.getTime()) / 1000);
		const forOrganization = liveEventOf(row, 'organization');
		if (forOrganization && row.organizationId) {
			if (isInTime) openDoors(forOrganization, row.organizationId, found);
			const stream = { kind: 'organization', organizationId: row.organizationId } as const;
			// Portal admins hear everything, once: in their own stream what stands there.
			const rooms = [organizationRoom(row.organizationId), ...(row.portalSeq === null ? ['admins'] : [])];
			io.to(rooms).emit('event', stream, forOrganization);
			if (isInTime) closeDoors(forOrganization, row.organizationId);
			tellInvitees(forOrganization, row.organizationId, found);
		}
		const forPortal = liveEventOf(row, 'portal');
		if (!forPortal) return isInTime;
		io.to('admins').emit('event', { kind: 'portal' }, forPortal);
		if (forPortal.name === 'settings.updated') io.emit('settings', forPortal.payload.settings);
		return isInTime;
	}

	/** Who has come in is in the room before the event is told there. */
	function openDoors(event: LiveEvent, organizationId: string, { members }: Found): void {
		const room = { id: organizationId, isPersonal: false, lastSeq: event.seq };
		if (event.name === 'member.joined') bring([event.payload.member.userId], room);
		if (!isReopened(event.name)) return;
		const all = members.get(organizationId) ?? [];
		bring(
			all.map(({ userId }) => userId),
			{ ...room, isPersonal: all.some((one) => one.isPersonal) }
		);
	}

	/** Who has gone hears that they have, and nothing after it. */
	function closeDoors(event: LiveEvent, organizationId: string): void {
		switch (event.name) {
			case 'member.removed':
			case 'member.left': {
				const { userId } = event.payload.member;
				for (const socket of socketsIn(userRoom(userId))) exit(socket, organizationId);
				io.to(userRoom(userId)).emit('account');
				return;
			}
			case 'member.updated':
			case 'member.appointed':
				io.to(userRoom(event.payload.member.userId)).emit('account');
				return;
			case 'member.handedOver': {
				const { member, former } = event.payload;
				io.to([userRoom(member.userId), userRoom(former.userId)]).emit('account');
				return;
			}
			case 'organization.renamed':
			case 'organization.approved':
			case 'organization.rejected':
				io.to(organizationRoom(organizationId)).emit('account');
				return;
			case 'organization.suspended':
			case 'organization.deleted':
			case 'organization.withdrawn': {
				const room = organizationRoom(organizationId);
				io.to(room).emit('account');
				for (const socket of socketsIn(room)) exit(socket, organizationId);
			}
		}
	}

	/** The owner of an address sees on every open page which invitations wait for them. */
	function tellInvitees(event: LiveEvent, organizationId: string, { invitees }: Found): void {
		const key =
			isKnown(event) && 'invitation' in event.payload
				? event.payload.invitation.email
				: isAboutAll(event.name) && organizationId;
		if (key) for (const { id } of invitees.get(key) ?? []) io.to(userRoom(id)).emit('account');
	}

	return tell;
}
