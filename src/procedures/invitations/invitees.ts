import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Actor } from '#lib/events.ts';
import { email, names } from '#lib/fields.ts';
import { sayInvitationLimit } from '#lib/invitation-limits.ts';
import { text } from '#lib/schema.ts';
import { inviteesPerCall, role, type Invitation, type Role } from '#lib/views.ts';
import { sendAhead } from '../../database/ahead.ts';
import { isoOf, type Trx } from '../../database/database.ts';
import { compileTogether } from '../../database/together.ts';
import { publishMany } from '../../news/publish.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { fieldRefusal } from '../../api/refusals.ts';
import { organizationProcedure, router, type Context } from '../../api/trpc.ts';
import { getAllowance, holdAllowance, refusalOfLimit, selectRoom, type Reached } from './allowances.ts';
import {
	expiryOf,
	invitationViewOf,
	mailInvitations,
	selectPending,
	selectProven,
	type Sending
} from '../../people/invitations.ts';
import { getSettings, selectSettings, settingsOf } from '../settings/settings.ts';

/** Inviting, one by one or many at once. */

type Invitee = { firstName: string; lastName: string; email: string; role: Role };

/** What became of one row of a list. */
type Answer =
	| { outcome: 'sent'; invitation: Invitation }
	| { outcome: 'member' }
	| { outcome: 'invited'; invitation: Invitation; secondsAgo: number }
	| { outcome: 'limited'; reached: Reached };

type InvitingContext = Pick<Context, 'config' | 'outbox'> & {
	db: Trx;
	actor: Actor;
	user: { id: string };
	organization: { id: string; name: string; isPersonal: boolean };
};

/** What decides about these addresses, given as a JSON array: who is there already, and how many more may come. */
const askForKnown = compileTogether((db, organizationId: string, emails: string) => {
	const given = sql<string>`(select jsonb_array_elements_text(${emails}::text::jsonb))`;
	return {
		settings: selectSettings(db),
		members: db
			.selectFrom('membership')
			.innerJoin('account', 'account.id', 'membership.userId')
			.select('account.email')
			.where('membership.organizationId', '=', organizationId)
			.where('account.email', 'in', given),
		open: selectPending(db, organizationId).where('invitation.email', 'in', given),
		proven: selectProven(db, given),
		rooms: selectRoom(db, organizationId)
	};
});

/**
 * Invites each of them who is neither a member nor invited, as long as the limits allow; under the organization's lock.
 *
 * @param isAllOrNothing whether the call fails where one can't be invited: then it needn't be counted who could.
 */
async function inviteAll(ctx: InvitingContext, invitees: Invitee[], isAllOrNothing = false) {
	const { db, organization } = ctx;
	const inviter = { organizationId: organization.id, userId: ctx.user.id };
	if (invitees.length === 0) {
		return { answers: [], allowance: await getAllowance(db, inviter, await getSettings(db)) };
	}
	const emails = invitees.map(({ email }) => email);
	const limits = await holdAllowance(db, inviter, emails, isAllOrNothing);
	const known = await askForKnown(db, organization.id, JSON.stringify(emails));
	const settings = settingsOf(known.settings);
	const [room] = known.rooms;
	if (!room) throw new Error('The database has counted nothing.');
	const members = new Set(known.members.map(({ email }) => email));
	const open = new Map(known.open.map((row) => [row.email, invitationViewOf(row)]));
	const proven = new Set(known.proven.map(({ email }) => email));
	const allowance = limits.under(settings, room);

	const times = { sentAt: isoOf(new Date()), expiresAt: isoOf(expiryOf(settings)) };
	const sending: Sending[] = [];
	const answers = invitees.map((invitee): Answer => {
		const { email } = invitee;
		const invited = open.get(email);
		if (members.has(email)) return { outcome: 'member' };
		if (invited) {
			const secondsAgo = Math.round((Date.now() - Date.parse(invited.sentAt)) / 1000);
			return { outcome: 'invited', invitation: invited, secondsAgo };
		}
		const reached = allowance.take(email);
		if (reached) return { outcome: 'limited', reached };
		const invitation: Invitation = {
			...{ ...invitee, ...times, id: randomUUID() },
			invitedBy: { id: ctx.user.id, name: ctx.actor.name },
			delivery: 'queued'
		};
		sending.push({ invitation, token: createToken(), isProven: proven.has(email) });
		open.set(email, invitation);
		return { outcome: 'sent', invitation };
	});
	const left = await allowance.settle();
	await insertInvitations(ctx, sending);
	return { answers, allowance: left };
}

/** Writes, mails and tells of all of them, in as many statements as of one. */
async function insertInvitations(ctx: InvitingContext, sending: readonly Sending[]): Promise<void> {
	if (sending.length === 0) return;
	const { db, organization } = ctx;
	const carriers = await mailInvitations(ctx, organization.name, sending);
	const rows = sending.map(({ invitation, token }) => ({
		...invitation,
		tokenHash: hashToken(token),
		messageId: carriers.get(invitation.id) ?? null
	}));
	// One parameter for all, and each with the time of its own: of several at once the first stays the first.
	const made = sql`
		insert into invitation (
			id, organization_id, email, first_name, last_name, role, token_hash, invited_by, sent_at, expires_at,
			message_id, created_at
		)
		select
			(one->>'id')::uuid, ${organization.id}::uuid, one->>'email', one->>'firstName', one->>'lastName', one->>'role',
			one->>'tokenHash', ${ctx.user.id}::uuid, (one->>'sentAt')::timestamptz, (one->>'expiresAt')::timestamptz,
			(one->>'messageId')::uuid, clock_timestamp()
		from jsonb_array_elements(${JSON.stringify(rows)}::text::jsonb) as one`;
	await sendAhead(db, made);
	await publishMany(
		ctx,
		'invitation.created',
		sending.map(({ invitation }) => ({ invitation }))
	);
}

const rowText = text(1000);
/** As they were typed: each row is checked by itself, so that one that is wrong fails no other. */
const rows = z
	.array(z.strictObject({ firstName: rowText, lastName: rowText, email: rowText, role }))
	.min(1)
	.max(inviteesPerCall);
/** A list of addresses alone can be sent: names are what the invitee says. */
const person = z.strictObject({ ...names, email, role });

export const inviteesRouter = router({
	create: organizationProcedure({ ...names, email, role }).mutation(async ({ ctx, input }) => {
		const { organizationId: _, ...invitee } = input;
		const [answer] = (await inviteAll(ctx, [invitee], true)).answers;
		switch (answer?.outcome) {
			case 'sent':
				return answer.invitation;
			case 'member':
				throw fieldRefusal('email', 'MEMBER', `${input.email} is a member already.`);
			case 'limited':
				throw refusalOfLimit(answer.reached);
			default:
				throw fieldRefusal(
					'email',
					'INVITED',
					`${input.email} has been invited already, and can be sent the link again.`
				);
		}
	}),

	/**
	 * Many at once, with an answer for each row in its place. Called again with the same rows, after a connection that
	 * was lost for instance, it sends nothing twice: who is invited already is an answer.
	 */
	createMany: organizationProcedure({ rows }, (input) => input.rows.length).mutation(
		async ({ ctx, input }) => {
			const checked = input.rows.map((row) => person.safeParse(row));
			const right = checked.flatMap(({ data }) => data ?? []);
			const { answers, allowance } = await inviteAll(ctx, right);
			const inTurn = answers.values();
			return {
				answers: checked.map(({ error }) => {
					const fields: Record<string, string> = {};
					for (const { path, message } of error?.issues ?? []) fields[path.join('.')] ??= message;
					if (error) return { outcome: 'invalid' as const, fields };
					const answer = inTurn.next().value as Answer;
					if (answer.outcome !== 'limited') return answer;
					const { limit, max, wait } = answer.reached;
					return { outcome: answer.outcome, limit, message: sayInvitationLimit(limit, max, wait) };
				}),
				allowance
			};
		}
	),

	/** How many the person could send now, and why not more. */
	getAllowance: organizationProcedure({}).query(async ({ ctx }) =>
		getAllowance(
			ctx.db,
			{ organizationId: ctx.organization.id, userId: ctx.user.id },
			await getSettings(ctx.db)
		)
	)
});
