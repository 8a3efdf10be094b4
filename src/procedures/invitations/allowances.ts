import { sayInvitationLimit, type Allowance, type InvitationLimit } from '#lib/invitation-limits.ts';
import type { Settings } from '#lib/settings.ts';
import type { Db, Trx } from '../../database/database.ts';
import { countInWindows, holdWindows, readWindows } from '../../database/windows.ts';
import { Refusal, tooMany } from '../../api/refusals.ts';
import {
	inviterWindow,
	maxPerRecipient,
	recipientSeconds,
	recipientWindow
} from '../../people/invitations.ts';

/**
 * How many invitations may go out. The limits keep an organization from writing to strangers in the portal's name; the
 * portal's settings hold all of them but the last.
 */
const dayWindow = (organizationId: string) => ({
	key: `invite:organization:${organizationId}`,
	seconds: 86_400
});

type Inviter = { organizationId: string; userId: string };
type Window = { count: number; wait: number } | undefined;

export type Reached = { limit: InvitationLimit; max: number; wait: number | null };

/** The organization's own room, as one row: exact under the lock of the organization's. */
export function selectRoom(db: Db, organizationId: string) {
	const count = (table: 'membership' | 'invitation') =>
		db
			.selectFrom(table)
			.select((eb) => eb.fn.countAll<number>().as('count'))
			.where('organizationId', '=', organizationId);
	return db.selectNoFrom([
		count('membership').as('members'),
		count('invitation').where('state', '=', 'pending').as('open')
	]);
}
export type InvitationRoom = Awaited<ReturnType<ReturnType<typeof selectRoom>['executeTakeFirstOrThrow']>>;

/** The limit that allows the least; of equals the one that takes the longest to pass. */
function tightest(settings: Settings, room: InvitationRoom | null, inviter: Window, day: Window): Allowance {
	const { invitationsPerInviter, invitationsPerDay, maxOpenInvitations, maxMembers } = settings;
	const limits: Allowance[] = [
		{
			limit: 'day',
			max: invitationsPerDay,
			count: invitationsPerDay - (day?.count ?? 0),
			wait: day?.wait ?? null
		},
		{
			limit: 'inviter',
			max: invitationsPerInviter,
			count: invitationsPerInviter - (inviter?.count ?? 0),
			wait: inviter?.wait ?? null
		}
	];
	if (room) {
		const [members, open] = [Number(room.members), Number(room.open)];
		limits.unshift(
			{ limit: 'members', max: maxMembers, count: maxMembers - members - open, wait: null },
			{ limit: 'open', max: maxOpenInvitations, count: maxOpenInvitations - open, wait: null }
		);
	}
	const [first, ...others] = limits.map((one) => ({ ...one, count: Math.max(0, one.count) }));
	return others.reduce((least, one) => (one.count < least.count ? one : least), first as Allowance);
}

/** What could be sent now, for the page that asks before it sends. */
export async function getAllowance(
	db: Db,
	{ organizationId, userId }: Inviter,
	settings: Settings
): Promise<Allowance> {
	const [inviter, day] = [inviterWindow(userId).key, dayWindow(organizationId).key];
	const windows = await readWindows(db, [inviter, day]);
	const room = await selectRoom(db, organizationId).executeTakeFirstOrThrow();
	return tightest(settings, room, windows.get(inviter), windows.get(day));
}

/**
 * Holds the limits for these recipients until the commit. How much they leave is known once the next statement is answered:
 * then `under` says by `take` which limit refuses one more, or counts it; `settle` writes down what was counted. The
 * organization's row has to be locked.
 *
 * @param isAllOrNothing whether a recipient who can't be written to fails the call, so that each is counted at once.
 */
export async function holdAllowance(
	db: Trx,
	{ organizationId, userId }: Inviter,
	recipients: string[],
	isAllOrNothing = false
) {
	// The person's first, then the organization's, then the recipients': the same order for everybody.
	const [inviter, day] = [inviterWindow(userId), dayWindow(organizationId)];
	const each = [...new Set(recipients)].sort();
	const [all, one] = isAllOrNothing ? [each.length, 1] : [0, 0];
	const held = await holdWindows(db, [
		{ ...inviter, adding: all },
		{ ...day, adding: all },
		...each.map((email) => ({ ...recipientWindow(email), adding: one }))
	]);

	/** @param room null for what is sent again, which has its place already. */
	function under(settings: Settings, room: InvitationRoom | null) {
		const before = tightest(settings, room, held.get(inviter.key), held.get(day.key));
		const taken: string[] = [];
		return {
			take(email: string): Reached | null {
				const { limit, max, wait } = before;
				if (taken.length >= before.count) return { limit, max, wait };
				const own = held.get(recipientWindow(email).key);
				if (own && own.count >= maxPerRecipient) {
					return { limit: 'recipient', max: maxPerRecipient, wait: own.wait };
				}
				taken.push(email);
				return null;
			},
			/** @returns what is left. */
			async settle(): Promise<Allowance> {
				if (taken.length > 0 && !isAllOrNothing) {
					const times = [inviter, day].map(({ key }) => [key, taken.length] as const);
					const own = taken.map((email) => [recipientWindow(email).key, 1] as const);
					await countInWindows(db, new Map([...times, ...own]));
				}
				return { ...before, count: before.count - taken.length };
			}
		};
	}
	return { under };
}

export function refusalOfLimit({ limit, max, wait }: Reached): Refusal {
	const message = sayInvitationLimit(limit, max, wait);
	if (limit === 'open') return new Refusal('CONFLICT', 'TOO_MANY_OPEN', message);
	if (limit === 'members') return new Refusal('CONFLICT', 'TOO_MANY_MEMBERS', message);
	return tooMany(message, wait ?? recipientSeconds);
}
