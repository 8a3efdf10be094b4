import { z } from 'zod';
import { firstName, lastName, orEmpty } from '#lib/fields.ts';
import { fullName, resendSeconds, role } from '#lib/views.ts';
import { sendAhead } from '../../database/ahead.ts';
import type { Db, Trx } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { holdOrganization } from '../../api/grants.ts';
import { fieldRefusal, notFound, Refusal, tooMany } from '../../api/refusals.ts';
import { organizationProcedure, router, system } from '../../api/trpc.ts';
import { holdAllowance, refusalOfLimit } from './allowances.ts';
import { getSettings } from '../settings/settings.ts';
import {
	selectInvitations,
	type InvitationRow,
	invitationViewOf,
	expiryOf,
	sendInvitation
} from '../../people/invitations.ts';

/** The open invitation that a call names; refused with the reason when it is open no longer. */
async function getOpen(ctx: { db: Db; organization: { id: string } }, id: string): Promise<InvitationRow> {
	const row = await selectInvitations(ctx.db)
		.where('invitation.id', '=', id)
		.where('invitation.organizationId', '=', ctx.organization.id)
		.executeTakeFirst();
	if (!row) throw notFound();
	if (row.state !== 'pending') throw new Refusal('CONFLICT', row.state.toUpperCase(), reasons[row.state]);
	return row;
}

/**
 * Holds the organization of the invitation that the message carries, before its state is noted: organizations come
 * first in the order of locks. The returned function tells the organization how far the e-mail has come. For any other
 * message both do nothing.
 */
export async function holdDelivery(db: Trx, messageId: string): Promise<() => Promise<void>> {
	const invitation = await db
		.selectFrom('invitation')
		.select(['id', 'organizationId'])
		.where('messageId', '=', messageId)
		.executeTakeFirst();
	if (!invitation) return async () => {};
	await holdOrganization(db, invitation.organizationId);
	return () => publishDelivery(db, invitation.id, messageId);
}

async function publishDelivery(db: Trx, id: string, messageId: string): Promise<void> {
	const row = await selectInvitations(db)
		.where('invitation.id', '=', id)
		.where('invitation.messageId', '=', messageId)
		.where('invitation.state', '=', 'pending')
		.executeTakeFirst();
	if (!row?.delivery || row.delivery === 'queued') return;
	const organization = { id: row.organizationId, isPersonal: false };
	const view = invitationViewOf(row);
	await publish(
		{ db, actor: system, organization },
		view.delivery === 'failed' ? 'invitation.failed' : 'invitation.delivered',
		{ invitation: view }
	);
}

/** The state that the link's page shows. `unavailable`: the organization takes nobody in at the moment. */
export type InvitationState =
	'invalid' | 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired' | 'unavailable';

export const reasons: Record<Exclude<InvitationState, 'pending'>, string> = {
	invalid: 'This invitation is not valid.',
	accepted: 'This invitation has been accepted already.',
	declined: 'This invitation has been declined.',
	revoked: 'This invitation has been revoked.',
	expired: 'This invitation has expired. Ask for a new one.',
	unavailable: 'The organization takes nobody in at the moment.'
};

export const invitationsRouter = router({
	/**
	 * The name and the role that the invitee will have. The link stays as it is and no second e-mail goes out: its token
	 * is known to nobody but the first one, and the link's page names the role in force before anything is accepted.
	 */
	update: organizationProcedure({
		invitationId: z.uuid(),
		// Both may be empty where the list had none: whoever joins says them.
		firstName: orEmpty(firstName),
		lastName: orEmpty(lastName),
		role
	}).mutation(async ({ ctx, input }) => {
		const previous = invitationViewOf(await getOpen(ctx, input.invitationId));
		const { firstName, lastName, role } = input;
		// A name that is there is corrected, not taken away.
		if ((previous.firstName || previous.lastName) && !firstName && !lastName)
			throw fieldRefusal('firstName', 'INVALID', 'The first name is missing.');
		const invitation = { ...previous, firstName, lastName, role };
		if (role === previous.role && fullName(invitation) === fullName(previous)) return previous;
		await ctx.db
			.updateTable('invitation')
			.set({ firstName, lastName, role })
			.where('id', '=', previous.id)
			.execute();
		await publish(ctx, 'invitation.updated', { invitation, previous });
		return invitation;
	}),

	/** A new link for as many days again; the older link is dead from then on. */
	resend: organizationProcedure({ invitationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const { db, organization } = ctx;
		const row = await getOpen(ctx, input.invitationId);
		const wait = Math.ceil((row.sentAt.getTime() - Date.now()) / 1000) + resendSeconds;
		if (wait > 0) {
			const seconds = wait === 1 ? 'a second' : `${wait} seconds`;
			throw tooMany(`It was sent just now. It can be sent again in ${seconds}.`, wait, 'TOO_SOON');
		}
		const inviter = { organizationId: organization.id, userId: ctx.user.id };
		const limits = await holdAllowance(db, inviter, [row.email], true);
		const settings = await getSettings(db);
		const reached = limits.under(settings, null).take(row.email);
		if (reached) throw refusalOfLimit(reached);
		const token = createToken();
		const renewed = {
			tokenHash: hashToken(token),
			sentAt: new Date(),
			expiresAt: expiryOf(settings),
			invitedBy: ctx.user.id
		};
		await sendAhead(db, db.updateTable('invitation').set(renewed).where('id', '=', row.id));
		const invitation = await sendInvitation(ctx, row.id, organization.name, token);
		await publish(ctx, 'invitation.resent', { invitation });
		return invitation;
	}),

	revoke: organizationProcedure({ invitationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const row = await getOpen(ctx, input.invitationId);
		// Still pending: accepting and declining wait for the organization's row as well.
		await ctx.db.updateTable('invitation').set({ state: 'revoked' }).where('id', '=', row.id).execute();
		const invitation = invitationViewOf(row);
		await publish(ctx, 'invitation.revoked', { invitation });
		return invitation;
	})
});
