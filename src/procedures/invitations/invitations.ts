import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { firstName, lastName, orNothing } from '#lib/fields.ts';
import type { Settings } from '#lib/settings.ts';
import { fullName, resendSeconds, role, roleLabels, type Invitation } from '#lib/views.ts';
import { compileOnce } from '../../database/compiled.ts';
import { compileTogether } from '../../database/together.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { publish, publishMany } from '../../news/publish.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { fieldRefusal, notFound, Refusal, tooMany } from '../../api/refusals.ts';
import { organizationProcedure, router, system, type Context } from '../../api/trpc.ts';
import { holdAllowance, refusalOfLimit } from './allowances.ts';
import { nameIn } from '../members/names.ts';
import { getSettings } from '../settings/settings.ts';

export function selectInvitations(db: Db) {
	return db
		.selectFrom('invitation')
		.innerJoin('organization', 'organization.id', 'invitation.organizationId')
		.leftJoin('message', 'message.id', 'invitation.messageId')
		.select([
			'invitation.id',
			'invitation.organizationId',
			'invitation.email',
			'invitation.firstName',
			'invitation.lastName',
			'invitation.role',
			'invitation.state',
			'invitation.invitedBy',
			'invitation.sentAt',
			'invitation.expiresAt',
			'message.state as delivery',
			'organization.name as organizationName',
			'organization.slug as organizationSlug',
			'organization.status as organizationStatus',
			'organization.isRevealRestricted',
			'organization.isAccessRestricted'
		])
		.select(nameIn('invitation.organizationId', 'invitation.invitedBy').as('inviterName'));
}

export type InvitationRow = Awaited<
	ReturnType<ReturnType<typeof selectInvitations>['executeTakeFirstOrThrow']>
>;

export const inviterName = (row: InvitationRow) => row.inviterName ?? '';

export function invitationViewOf(row: InvitationRow): Invitation {
	const { id, email, firstName, lastName, role } = row;
	return {
		id,
		email,
		firstName,
		lastName,
		role,
		invitedBy: { id: row.invitedBy, name: inviterName(row) },
		sentAt: isoOf(row.sentAt),
		expiresAt: isoOf(row.expiresAt),
		// What was outdated before it could be sent has reached nobody.
		delivery: row.delivery === 'outdated' ? 'failed' : row.delivery
	};
}

/** The open invitations of an organization, also expired ones, which can be sent again. The one sent last comes first. */
export const selectPending = (db: Db, organizationId: string) =>
	selectInvitations(db)
		.where('invitation.organizationId', '=', organizationId)
		.where('invitation.state', '=', 'pending')
		.orderBy('invitation.sentAt', 'desc')
		.orderBy('invitation.createdAt', 'desc');
const askForPending = compileOnce(selectPending);

export const listInvitations = async (db: Db, organizationId: string): Promise<Invitation[]> =>
	(await askForPending(db, organizationId)).map(invitationViewOf);

/** Whoever may no longer invite leaves no open door behind. */
export async function revokeInvitationsOf(
	ctx: Parameters<typeof publish>[0] & { organization: { id: string } },
	userId: string
): Promise<void> {
	const open = (await listInvitations(ctx.db, ctx.organization.id)).filter(
		({ invitedBy }) => invitedBy.id === userId
	);
	if (open.length === 0) return;
	await ctx.db
		.updateTable('invitation')
		.set({ state: 'revoked' })
		.where('organizationId', '=', ctx.organization.id)
		.where('invitedBy', '=', userId)
		.where('state', '=', 'pending')
		.execute();
	await publishMany(
		ctx,
		'invitation.revoked',
		open.map((invitation) => ({ invitation }))
	);
}

export const expiryOf = ({ invitationDays }: Settings) => new Date(Date.now() + invitationDays * 86_400_000);

/** Which of these addresses are those of somebody who has proven it. */
export const selectProven = (db: Db, emails: RawBuilder<string>) =>
	db
		.selectFrom('account')
		.select('email')
		.where('email', 'in', emails)
		.where('emailVerifiedAt', 'is not', null);

const askForSending = compileTogether((db, id: string) => ({
	invitations: selectInvitations(db).where('invitation.id', '=', id),
	proven: selectProven(db, sql`(select email from invitation where id = ${id})`)
}));

/** An invitation that is to be mailed. */
export interface Sending {
	invitation: Invitation;
	/** Of its link. */
	token: string;
	/** Whether the address has an account, which only its owner learns: it decides which text is sent. */
	isProven: boolean;
}

/** Mails the links of invitations. Returns which message carries each, by the id of the invitation. */
export async function mailInvitations(
	{ config, db, outbox }: Pick<Context, 'config' | 'outbox'> & { db: Trx },
	organizationName: string,
	sending: readonly Sending[]
): Promise<Map<string, string | null>> {
	const carriers = new Map<string, string | null>();
	for (const [isProven, some] of Map.groupBy(sending, (one) => one.isProven)) {
		const recipients = some.map(({ invitation, token }) => ({
			to: { name: fullName(invitation), address: invitation.email },
			props: {
				organizationName,
				inviterName: invitation.invitedBy.name,
				roleLabel: roleLabels[invitation.role],
				firstName: invitation.firstName,
				acceptUrl: `${config.ORIGIN}/invitations/${token}`,
				expiresAt: `${new Date(invitation.expiresAt).toUTCString().slice(0, 22)} UTC`
			}
		}));
		const name = isProven ? 'invitation-created-existing' : 'invitation-created';
		const ids = await outbox.enqueueMany(db, name, recipients);
		for (const [at, { invitation }] of some.entries()) carriers.set(invitation.id, ids[at] ?? null);
	}
	return carriers;
}

/** Mails the link of an invitation that is there, and notes which message carries it. */
export async function sendInvitation(
	ctx: Pick<Context, 'config' | 'outbox'> & { db: Trx },
	id: string,
	organizationName: string,
	token: string
): Promise<Invitation> {
	const { invitations, proven } = await askForSending(ctx.db, id);
	const [row] = invitations;
	if (!row) throw notFound();
	const invitation = invitationViewOf(row);
	const carriers = await mailInvitations(ctx, organizationName, [
		{ invitation, token, isProven: proven.length > 0 }
	]);
	await ctx.db
		.updateTable('invitation')
		.set({ messageId: carriers.get(id) ?? null })
		.where('id', '=', id)
		.execute();
	return { ...invitation, delivery: 'queued' };
}

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
	await db
		.selectFrom('organization')
		.select('id')
		.where('id', '=', invitation.organizationId)
		.forUpdate()
		.execute();
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
		firstName: orNothing(firstName),
		lastName: orNothing(lastName),
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
		const settings = await getSettings(db);
		const inviter = { organizationId: organization.id, userId: ctx.user.id };
		const allowance = await holdAllowance(db, inviter, settings, [row.email], null, true);
		const reached = allowance.take(row.email);
		if (reached) throw refusalOfLimit(reached);
		const token = createToken();
		await db
			.updateTable('invitation')
			.set({
				tokenHash: hashToken(token),
				sentAt: new Date(),
				expiresAt: expiryOf(settings),
				invitedBy: ctx.user.id
			})
			.where('id', '=', row.id)
			.execute();
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
