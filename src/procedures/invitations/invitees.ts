import { sql } from 'kysely';
import { z } from 'zod';
import type { Actor } from '#lib/events.ts';
import { email, names } from '#lib/fields.ts';
import { sayReached } from '#lib/limits.ts';
import { text } from '#lib/schema.ts';
import { inviteesPerCall, role, type Invitation, type Role } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import { compileTogether } from '../../database/together.ts';
import { publish } from '../../news/publish.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { fieldRefusal } from '../../api/refusals.ts';
import { organizationProcedure, router, type Context } from '../../api/trpc.ts';
import { getAllowance, holdAllowance, refusalOfLimit, selectRoom, type Reached } from './allowances.ts';
import { expiryOf, invitationViewOf, selectPending, sendInvitation } from './invitations.ts';
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
		rooms: selectRoom(db, organizationId)
	};
});

/** Invites each of them who is neither a member nor invited, as long as the limits allow; under the organization's lock. */
async function inviteAll(ctx: InvitingContext, invitees: Invitee[]) {
	const { db, organization } = ctx;
	const inviter = { organizationId: organization.id, userId: ctx.user.id };
	if (invitees.length === 0) {
		return { answers: [], allowance: await getAllowance(db, inviter, await getSettings(db)) };
	}
	const emails = invitees.map(({ email }) => email);
	const known = await askForKnown(db, organization.id, JSON.stringify(emails));
	const settings = settingsOf(known.settings);
	const [room] = known.rooms;
	if (!room) throw new Error('The database has counted nothing.');
	const members = new Set(known.members.map(({ email }) => email));
	const open = new Map(known.open.map((row) => [row.email, invitationViewOf(row)]));
	const free = emails.filter((email) => !members.has(email) && !open.has(email));
	const allowance = await holdAllowance(db, inviter, settings, free, room);

	const answers: Answer[] = [];
	for (const invitee of invitees) {
		const { email } = invitee;
		const invited = open.get(email);
		if (members.has(email)) {
			answers.push({ outcome: 'member' });
			continue;
		}
		if (invited) {
			const secondsAgo = Math.round((Date.now() - Date.parse(invited.sentAt)) / 1000);
			answers.push({ outcome: 'invited', invitation: invited, secondsAgo });
			continue;
		}
		const reached = allowance.take(email);
		if (reached) {
			answers.push({ outcome: 'limited', reached });
			continue;
		}
		const token = createToken();
		const { id } = await db
			.insertInto('invitation')
			.values({
				...invitee,
				organizationId: organization.id,
				tokenHash: hashToken(token),
				invitedBy: ctx.user.id,
				// Not the transaction's time: of several at once the first stays the first.
				createdAt: sql<Date>`clock_timestamp()`,
				expiresAt: expiryOf(settings)
			})
			.returning('id')
			.executeTakeFirstOrThrow();
		const invitation = await sendInvitation(ctx, id, organization.name, token);
		await publish(ctx, 'invitation.created', { invitation });
		open.set(email, invitation);
		answers.push({ outcome: 'sent', invitation });
	}
	return { answers, allowance: await allowance.settle() };
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
		const [answer] = (await inviteAll(ctx, [invitee])).answers;
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
					return { outcome: answer.outcome, limit, message: sayReached(limit, max, wait) };
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
