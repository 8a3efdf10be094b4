import { isKnown, type LiveEvent } from '#lib/events.ts';
import { isOnline } from '../news/presence.ts';
import type { Signal } from '../news/publish.ts';
import { liveEventOf } from '../procedures/activity/activity.ts';
import { listEditors } from '../procedures/emails/emails.ts';
import type { Attendance } from './attendance.ts';
import type { House } from './house.ts';
import { organizationRoom, userRoom } from './rooms.ts';

/** Tells the sockets of this process what was committed. */
export function createTeller({ io, db, door }: House, attendance: Attendance) {
	const { socketsIn, exit, bring, setAdmins } = attendance;

	async function tell(what: Exclude<Signal, { kind: 'pulse' }>): Promise<void> {
		switch (what.kind) {
			case 'event':
				return tellEvent(what.id);
			case 'account': {
				const sockets = socketsIn(userRoom(what.userId));
				if (sockets.length > 0) await setAdmins(sockets);
				io.to(userRoom(what.userId)).emit('account');
				return;
			}
			case 'seen':
				io.to(userRoom(what.userId)).emit('seen', what.organizationId, what.seq);
				return;
			case 'mailbox':
			case 'alarms':
				io.to('admins').emit(what.kind);
				return;
			case 'editors':
				io.to('admins').emit('editors', what.name, await listEditors(db, what.name));
				return;
			case 'presence': {
				const { organizationId, userId } = what;
				const room = organizationRoom(organizationId);
				if (!io.sockets.adapter.rooms.has(room)) return;
				io.to(room).emit('presence', organizationId, userId, await isOnline(db, organizationId, userId));
				return;
			}
			case 'ended':
				door.noteEnding();
				io.to(what.room).emit('ended');
				io.in(what.room).disconnectSockets(true);
		}
	}

	async function tellEvent(id: number): Promise<void> {
		const row = await db.selectFrom('event').selectAll().where('id', '=', id).executeTakeFirst();
		if (!row) return;
		const forOrganization = liveEventOf(row, 'organization');
		if (forOrganization && row.organizationId) {
			await openDoors(forOrganization, row.organizationId);
			const stream = { kind: 'organization', organizationId: row.organizationId } as const;
			// Portal admins hear everything, once: in their own stream what stands there.
			const rooms = [organizationRoom(row.organizationId), ...(row.portalSeq === null ? ['admins'] : [])];
			io.to(rooms).emit('event', stream, forOrganization);
			closeDoors(forOrganization, row.organizationId);
			await tellInvitees(forOrganization, row.organizationId);
		}
		const forPortal = liveEventOf(row, 'portal');
		if (!forPortal) return;
		io.to('admins').emit('event', { kind: 'portal' }, forPortal);
		if (forPortal.name === 'settings.updated') io.emit('settings', forPortal.payload.settings);
	}

	/** Who has come in is in the room before the event is told there. */
	async function openDoors(event: LiveEvent, organizationId: string): Promise<void> {
		if (event.name === 'member.joined') bring([event.payload.member.userId], organizationId);
		if (event.name === 'organization.requested' || event.name === 'organization.restored') {
			const rows = await db
				.selectFrom('membership')
				.select('userId')
				.where('organizationId', '=', organizationId)
				.execute();
			bring(
				rows.map(({ userId }) => userId),
				organizationId
			);
		}
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
	async function tellInvitees(event: LiveEvent, organizationId: string): Promise<void> {
		const isAboutAll = ['organization.renamed', 'organization.suspended', 'organization.restored'].includes(
			event.name
		);
		if (!isAboutAll && !(isKnown(event) && 'invitation' in event.payload)) return;
		const invitees = await db
			.selectFrom('account')
			.select('account.id')
			.where('account.emailVerifiedAt', 'is not', null)
			.where((eb) =>
				'invitation' in event.payload
					? eb('account.email', '=', event.payload.invitation.email)
					: eb(
							'account.email',
							'in',
							eb
								.selectFrom('invitation')
								.select('invitation.email')
								.where('invitation.organizationId', '=', organizationId)
								.where('invitation.state', '=', 'pending')
						)
			)
			.execute();
		for (const { id } of invitees) io.to(userRoom(id)).emit('account');
	}

	return tell;
}
