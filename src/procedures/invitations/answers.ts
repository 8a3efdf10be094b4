import { fullName } from '#lib/views.ts';
import { sendAhead } from '../../database/ahead.ts';
import type { Trx } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import type { Context } from '../../api/trpc.ts';
import { addMember, findMember } from '../../people/members.ts';
import { invitationViewOf, type InvitationRow } from '../../people/invitations.ts';

/** What an invitation comes to, under the lock of its organization's row. */

type Parts = Pick<Context, 'config' | 'outbox'>;

const answering = (db: Trx, row: InvitationRow, state: 'accepted' | 'declined') =>
	db.updateTable('invitation').set({ state }).where('id', '=', row.id);

/** Makes the person a member, as what the invitation says. */
export async function join(
	ctx: Parts,
	db: Trx,
	row: InvitationRow,
	person: { id: string; firstName: string; lastName: string }
): Promise<void> {
	await sendAhead(db, answering(db, row, 'accepted'));
	await tellInviter(ctx, db, row, fullName({ ...person, email: row.email }), 'has joined');
	const place = { id: row.organizationId, isPersonal: false };
	await addMember(db, place, { ...person, role: row.role }, true);
}

export async function decline(ctx: Parts, db: Trx, row: InvitationRow): Promise<void> {
	await sendAhead(db, answering(db, row, 'declined'));
	await tellInviter(ctx, db, row, fullName(row), 'has declined to join');
	const actor = { id: null, name: fullName(row), kind: 'developer' as const };
	const organization = { id: row.organizationId, isPersonal: false };
	await publish({ db, actor, organization }, 'invitation.declined', { invitation: invitationViewOf(row) });
}

/** Whoever has invited them, unless they have gone since or are no member, as a portal admin who invites a partner. */
async function tellInviter(
	{ config, outbox }: Parts,
	db: Trx,
	row: InvitationRow,
	inviteeName: string,
	answer: string
): Promise<void> {
	const inviter = await findMember(db, row.organizationId, row.invitedBy);
	if (!inviter) return;
	await outbox.enqueue(db, { name: fullName(inviter), address: inviter.email }, 'invitation-answered', {
		organizationName: row.organizationName,
		firstName: inviter.firstName,
		inviteeName,
		answer,
		usersUrl: `${config.ORIGIN}/orgs/${row.organizationSlug}/users`
	});
}
