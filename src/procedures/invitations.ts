import { z } from 'zod';
import { email, firstName, lastName } from '#lib/fields.ts';
import { fullName, role, roleLabels, type Invitation, type Settings } from '#lib/views.ts';
import { isoOf, type Db, type Trx } from '../database.ts';
import { limit } from '../limits.ts';
import { publish } from '../outbox.ts';
import { createToken, hashToken } from '../tokens.ts';
import { fieldRefusal, notFound, organizationProcedure, Refusal, router, type Context } from '../trpc.ts';
import { findAccount } from './accounts.ts';
import { getSettings } from './settings.ts';

const maxOpen = 50;
const resendSeconds = 60;

export function selectInvitations(db: Db) {
	return (
		db
			.selectFrom('invitation')
			.innerJoin('organization', 'organization.id', 'invitation.organizationId')
			.innerJoin('account as inviter', 'inviter.id', 'invitation.invitedBy')
			.leftJoin('membership', (join) =>
				join
					.onRef('membership.userId', '=', 'invitation.invitedBy')
					.onRef('membership.organizationId', '=', 'invitation.organizationId')
			)
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
				'inviter.email as inviterEmail',
				'organization.name as organizationName',
				'organization.slug as organizationSlug',
				'organization.status as organizationStatus'
			])
			// The inviter as their organization knows them.
			.select((eb) => [
				eb.fn.coalesce('membership.firstName', 'inviter.firstName').as('inviterFirstName'),
				eb.fn.coalesce('membership.lastName', 'inviter.lastName').as('inviterLastName')
			])
	);
}

export type InvitationRow = Awaited<
	ReturnType<ReturnType<typeof selectInvitations>['executeTakeFirstOrThrow']>
>;

export const inviterName = (row: InvitationRow) =>
	fullName({ firstName: row.inviterFirstName, lastName: row.inviterLastName, email: row.inviterEmail });

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
		expiresAt: isoOf(row.expiresAt)
	};
}

export const getInvitationView = async (db: Db, id: string) =>
	invitationViewOf(await selectInvitations(db).where('invitation.id', '=', id).executeTakeFirstOrThrow());

/** The open invitations of an organization, also expired ones, which can be sent again. Newest first. */
export async function listInvitations(db: Db, organizationId: string): Promise<Invitation[]> {
	const rows = await selectInvitations(db)
		.where('invitation.organizationId', '=', organizationId)
		.where('invitation.state', '=', 'pending')
		.orderBy('invitation.createdAt', 'desc')
		.execute();
	return rows.map(invitationViewOf);
}

/** Whoever may no longer invite leaves no open door behind. */
export async function revokeInvitationsOf(
	ctx: Parameters<typeof publish>[0] & { organization: { id: string } },
	userId: string
): Promise<void> {
	const open = (await listInvitations(ctx.db, ctx.organization.id)).filter(
		({ invitedBy }) => invitedBy.id === userId
	);
	for (const invitation of open) {
		await ctx.db
			.updateTable('invitation')
			.set({ state: 'revoked' })
			.where('id', '=', invitation.id)
			.execute();
		await publish(ctx, 'invitation.revoked', { invitation });
	}
}

export const expiryOf = ({ invitationDays }: Settings) => new Date(Date.now() + invitationDays * 86_400_000);

/** The words of the e-mail; which text it is depends on whether the address has an account, which only its owner learns. */
export async function sendInvitation(
	ctx: Pick<Context, 'config' | 'outbox'> & { db: Trx },
	invitation: Invitation,
	organizationName: string,
	token: string
): Promise<void> {
	const account = await findAccount(ctx.db, invitation.email);
	const isKnown = account !== undefined && account.emailVerifiedAt !== null;
	await ctx.outbox.enqueue(
		ctx.db,
		{ name: fullName(invitation), address: invitation.email },
		isKnown ? 'invitation-created-existing' : 'invitation-created',
		{
			organizationName,
			inviterName: invitation.invitedBy.name,
			roleLabel: roleLabels[invitation.role],
			firstName: invitation.firstName,
			acceptUrl: `${ctx.config.ORIGIN}/invitations/${token}`,
			expiresAt: `${new Date(invitation.expiresAt).toUTCString().slice(0, 22)} UTC`
		}
	);
}

async function checkRoom(db: Trx, organizationId: string, { maxMembers }: Settings): Promise<void> {
	const count = (table: 'membership' | 'invitation') =>
		db
			.selectFrom(table)
			.select((eb) => eb.fn.countAll<number>().as('count'))
			.where('organizationId', '=', organizationId);
	const members = await count('membership').executeTakeFirstOrThrow();
	const open = await count('invitation').where('state', '=', 'pending').executeTakeFirstOrThrow();
	if (Number(open.count) >= maxOpen) {
		throw new Refusal(
			'CONFLICT',
			'TOO_MANY_OPEN',
			`There are ${maxOpen} open invitations already. Revoke some that are no longer needed.`
		);
	}
	if (Number(members.count) + Number(open.count) >= maxMembers) {
		throw new Refusal(
			'CONFLICT',
			'TOO_MANY_MEMBERS',
			`An organization holds up to ${maxMembers} members and open invitations.`
		);
	}
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
	create: organizationProcedure({ firstName, lastName, email, role }).mutation(async ({ ctx, input }) => {
		const { db, organization } = ctx;
		const member = await db
			.selectFrom('membership')
			.innerJoin('account', 'account.id', 'membership.userId')
			.select('membership.id')
			.where('membership.organizationId', '=', organization.id)
			.where('account.email', '=', input.email)
			.executeTakeFirst();
		if (member) throw fieldRefusal('email', 'MEMBER', `${input.email} is a member already.`);
		const open = await db
			.selectFrom('invitation')
			.select('id')
			.where('organizationId', '=', organization.id)
			.where('email', '=', input.email)
			.where('state', '=', 'pending')
			.executeTakeFirst();
		if (open) {
			throw fieldRefusal(
				'email',
				'INVITED',
				`${input.email} has been invited already. Send the invitation again from the list.`
			);
		}
		const settings = await getSettings(db);
		await checkRoom(db, organization.id, settings);
		await limit(db, `invite:inviter:${ctx.user.id}`, 30, 600);
		await limit(db, `invite:organization:${organization.id}`, 50, 86_400);
		await limit(db, `invite:recipient:${input.email}`, 5, 3600);

		const token = createToken();
		const { id } = await db
			.insertInto('invitation')
			.values({
				organizationId: organization.id,
				email: input.email,
				firstName: input.firstName,
				lastName: input.lastName,
				role: input.role,
				tokenHash: hashToken(token),
				invitedBy: ctx.user.id,
				expiresAt: expiryOf(settings)
			})
			.returning('id')
			.executeTakeFirstOrThrow();
		const invitation = await getInvitationView(db, id);
		await publish(ctx, 'invitation.created', { invitation });
		await sendInvitation(ctx, invitation, organization.name, token);
		return invitation;
	}),

	/** A new link for as many days again; the older link is dead from then on. */
	resend: organizationProcedure({ invitationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const { db, organization } = ctx;
		const row = await selectInvitations(db)
			.where('invitation.id', '=', input.invitationId)
			.where('invitation.organizationId', '=', organization.id)
			.executeTakeFirst();
		if (!row) throw notFound();
		if (row.state !== 'pending') {
			throw new Refusal('CONFLICT', row.state.toUpperCase(), reasons[row.state]);
		}
		if (row.sentAt.getTime() > Date.now() - resendSeconds * 1000) {
			throw new Refusal('TOO_MANY_REQUESTS', 'TOO_SOON', 'It was sent just now. Wait a minute.');
		}
		await limit(db, `invite:inviter:${ctx.user.id}`, 30, 600);
		await limit(db, `invite:organization:${organization.id}`, 50, 86_400);
		await limit(db, `invite:recipient:${row.email}`, 5, 3600);
		const token = createToken();
		await db
			.updateTable('invitation')
			.set({
				tokenHash: hashToken(token),
				sentAt: new Date(),
				expiresAt: expiryOf(await getSettings(db)),
				invitedBy: ctx.user.id
			})
			.where('id', '=', row.id)
			.execute();
		const invitation = await getInvitationView(db, row.id);
		await publish(ctx, 'invitation.resent', { invitation });
		await sendInvitation(ctx, invitation, organization.name, token);
		return invitation;
	}),

	revoke: organizationProcedure({ invitationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const row = await selectInvitations(ctx.db)
			.where('invitation.id', '=', input.invitationId)
			.where('invitation.organizationId', '=', ctx.organization.id)
			.executeTakeFirst();
		if (!row) throw notFound();
		const revoked = await ctx.db
			.updateTable('invitation')
			.set({ state: 'revoked' })
			.where('id', '=', row.id)
			.where('state', '=', 'pending')
			.returning('id')
			.executeTakeFirst();
		if (!revoked) {
			throw new Refusal(
				'CONFLICT',
				row.state.toUpperCase(),
				row.state === 'pending' ? reasons.revoked : reasons[row.state]
			);
		}
		const invitation = invitationViewOf(row);
		await publish(ctx, 'invitation.revoked', { invitation });
		return invitation;
	})
});
