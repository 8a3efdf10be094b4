import { endsMembership, endsOrganization } from '#lib/departures.ts';
import { isKnown, type LiveEvent } from '#lib/events.ts';
import { liveEventOf } from '../news/events.ts';
import { eventAgeSeconds } from '../metrics.ts';
import type { Attendance } from './attendance.ts';
import { concernedBy, createFinder, isAboutAll, isReopened, type Concerned, type News } from './finding.ts';
import type { House } from './house.ts';
import { organizationRoom, userRoom } from './rooms.ts';
import type { EventRow, Streams } from './streams.ts';

/** So many milliseconds the pages of a process take to ask again, so that they don't all come at once. */
const spreadOver = (pages: number) => Math.min(pages * 5, 15_000);

/** It can be restored, but nobody reads it until then. */
const closesOrganization = (event: LiveEvent) =>
	endsOrganization(event) || event.name === 'organization.suspended';

function isClosing(row: EventRow): boolean {
	const event = liveEventOf(row, 'organization');
	return event !== null && (endsMembership(event) || closesOrganization(event));
}

/**
 * Tells the sockets of this process what was committed: what has to be known of it is asked for at once (see finding.ts),
 * and then all is told without waiting for anything.
 */
export function createTeller(house: House, attendance: Attendance, streams: Streams) {
	const { io } = house;
	const { socketsIn, exit, bring, setAdmins, setRooms } = attendance;
	const find = createFinder(house, streams);

	async function tell(news: News[]): Promise<void> {
		const found = await find(news);
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
		// What they opened or closed may have been undone since; what others close has its own news still to come.
		const closed = new Set(late.flatMap((one) => (isClosing(one) && one.organizationId) || []));
		await setRooms(
			late.flatMap((one) => concernedBy(one, found)).flatMap((id) => socketsIn(userRoom(id))),
			(organizationId) => closed.has(organizationId)
		);
	}

	function tellWord(what: Exclude<News, { kind: 'event' | 'behind' }>, { admins, editors }: Concerned): void {
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
	function tellEvent(row: EventRow, found: Concerned): boolean {
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
	function openDoors(event: LiveEvent, organizationId: string, { members }: Concerned): void {
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
		if (endsMembership(event)) {
			const { userId } = event.payload.member;
			for (const socket of socketsIn(userRoom(userId))) exit(socket, organizationId);
			io.to(userRoom(userId)).emit('account');
			return;
		}
		if (closesOrganization(event)) {
			const room = organizationRoom(organizationId);
			io.to(room).emit('account');
			for (const socket of socketsIn(room)) exit(socket, organizationId);
			return;
		}
		switch (event.name) {
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
		}
	}

	/** The owner of an address sees on every open page which invitations wait for them. */
	function tellInvitees(event: LiveEvent, organizationId: string, { invitees }: Concerned): void {
		const key =
			isKnown(event) && 'invitation' in event.payload
				? event.payload.invitation.email
				: isAboutAll(event.name) && organizationId;
		if (key) for (const { id } of invitees.get(key) ?? []) io.to(userRoom(id)).emit('account');
	}

	return tell;
}
