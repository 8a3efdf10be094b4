import { sql, type RawBuilder } from 'kysely';
import { sayMoment } from '#lib/dates.ts';
import type { Settings } from '#lib/settings.ts';
import { fullName, roleLabels, type Invitation } from '#lib/views.ts';
import { sendAhead } from '../database/ahead.ts';
import { compileOnce } from '../database/compiled.ts';
import { compileTogether } from '../database/together.ts';
import { isoOf, type Db, type Trx } from '../database/database.ts';
import { publish, publishMany } from '../news/publish.ts';
import { notFound } from '../api/refusals.ts';
import type { Context } from '../api/trpc.ts';
import { nameIn } from './names.ts';

/** Who is invited into an organization, what counts that, and what ends or mails their invitations. */

/** In which window the invitations of one person are counted, wherever they send them; how many, the settings say. */
export const inviterWindow = (userId: string) => ({ key: `invite:inviter:${userId}`, seconds: 600 });
/** In which those are counted that one address gets, whoever sends them. */
export const recipientSeconds = 3600;
export const recipientWindow = (email: string) => ({
	key: `invite:recipient:${email}`,
	seconds: recipientSeconds
});
export const maxPerRecipient = 5;

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

export const listInvitationsOf = async (db: Db, organizationId: string, userId: string) =>
	(await listInvitations(db, organizationId)).filter(({ invitedBy }) => invitedBy.id === userId);

export async function revokeInvitations(
	ctx: Parameters<typeof publish>[0],
	open: readonly Invitation[]
): Promise<void> {
	if (open.length === 0) return;
	const ids = open.map(({ id }) => id);
	await sendAhead(ctx.db, ctx.db.updateTable('invitation').set({ state: 'revoked' }).where('id', 'in', ids));
	await publishMany(
		ctx,
		'invitation.revoked',
		open.map((invitation) => ({ invitation }))
	);
}

/** Whoever may no longer invite leaves no open door behind. */
export async function revokeInvitationsOf(
	ctx: Parameters<typeof publish>[0] & { organization: { id: string } },
	userId: string
): Promise<void> {
	await revokeInvitations(ctx, await listInvitationsOf(ctx.db, ctx.organization.id, userId));
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
				expiresAt: sayMoment(invitation.expiresAt)
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
	const messageId = carriers.get(id) ?? null;
	await sendAhead(ctx.db, ctx.db.updateTable('invitation').set({ messageId }).where('id', '=', id));
	return { ...invitation, delivery: 'queued' };
}
