import { isOneOf } from '#lib/event-patterns.ts';
import { isKnown, type LiveEvent } from '#lib/events.ts';
import { idsIn, textsIn } from '../database/sets.ts';
import { listEditors } from '../mail/editors.ts';
import { liveEventOf } from '../news/events.ts';
import type { Signal } from '../news/publish.ts';
import type { House } from './house.ts';
import { listAdmins, organizationRoom, userRoom } from './rooms.ts';
import type { EventRow, Streams } from './streams.ts';

/** What is told in the order in which it was committed. */
export type News =
	| Exclude<Signal, { kind: 'pulse' | 'ended' | 'presence' | 'gone' | 'missed' | 'change' }>
	/** A stream has gone further than it was told here; the portal's own is null. */
	| { kind: 'behind'; organizationId: string | null };

export type Concerned = Awaited<ReturnType<ReturnType<typeof createFinder>>>;

/** Its invitees see its name and whether they can come in. */
export const isAboutAll = (name: string) =>
	isOneOf(name, ['organization.renamed', 'organization.suspended', 'organization.restored']);

export const isReopened = (name: string) =>
	isOneOf(name, ['organization.requested', 'organization.restored']);

/** Told to people who aren't in the organization's room, or not yet. */
const isForOthers = (name: string) =>
	isAboutAll(name) ||
	isReopened(name) ||
	isOneOf(name, ['invitation.*', 'member.joined', 'settings.updated']);

/** Whose rooms an event is about. */
export function concernedBy(row: EventRow, { members }: Concerned): string[] {
	const event = liveEventOf(row, 'organization');
	if (!event || !row.organizationId) return [];
	const all = members.get(row.organizationId) ?? [];
	const own = isKnown(event) && 'member' in event.payload ? event.payload.member.userId : [];
	return all.map(({ userId }) => userId).concat(own);
}

/**
 * Asks what has to be known before what has come in can be told: in a few questions, however much it is, and nothing of
 * what nobody here would hear.
 */
export function createFinder({ io, db }: House, streams: Streams) {
	const hasRoom = (room: string) => io.sockets.adapter.rooms.has(room);

	const isHeard = ({ id, name, organizationId }: Extract<News, { kind: 'event' }>) =>
		!streams.isDone(id) &&
		(name === undefined ||
			hasRoom('admins') ||
			isForOthers(name) ||
			(organizationId != null && hasRoom(organizationRoom(organizationId))));

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

	return async function find(news: News[]) {
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
	};
}
