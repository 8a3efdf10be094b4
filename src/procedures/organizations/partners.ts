import { sql } from 'kysely';
import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import { email, names, organizationName } from '#lib/fields.ts';
import { fullName, type Invitation, type Organization } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import { limit } from '../../api/limits.ts';
import { findFreeSlug, keysOf } from './names.ts';
import { publish } from '../../news/publish.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { adminProcedure, router, type WritingContext } from '../../api/trpc.ts';
import {
	expiryOf,
	inviterWindow,
	maxPerRecipient,
	recipientWindow,
	sendInvitation
} from '../../people/invitations.ts';
import { roleMail } from '../members/members.ts';
import { getOrganizationView, takenName } from './organizations.ts';
import { getSettings } from '../settings/settings.ts';
import { getMember, listMembers } from '../../people/members.ts';

/** What portal admins do so that an organization has somebody to govern it. */

type Offering = WritingContext & { user: { id: string } };
type Invitee = { firstName: string; lastName: string; email: string };

/** Invites somebody as Super admin; an open invitation of the same address becomes this one, with a new link. */
async function offer(ctx: Offering, organization: Organization, person: Invitee): Promise<Invitation> {
	const { db } = ctx;
	const settings = await getSettings(db);
	const [inviter, recipient] = [inviterWindow(ctx.user.id), recipientWindow(person.email)];
	await limit(db, inviter.key, settings.invitationsPerInviter, inviter.seconds);
	await limit(db, recipient.key, maxPerRecipient, recipient.seconds);
	const token = createToken();
	const values = {
		...person,
		role: 'super_admin' as const,
		tokenHash: hashToken(token),
		invitedBy: ctx.user.id,
		sentAt: new Date(),
		expiresAt: expiryOf(settings)
	};
	const previous = await db
		.selectFrom('invitation')
		.select('role')
		.where('organizationId', '=', organization.id)
		.where('email', '=', person.email)
		.where('state', '=', 'pending')
		.executeTakeFirst();
	const { id } = await db
		.insertInto('invitation')
		.values({ ...values, organizationId: organization.id })
		.onConflict((conflict) =>
			conflict
				.columns(['organizationId', 'email'])
				// As a word of the statement: planned for any value, it would fit no index.
				.where('state', '=', sql.lit('pending'))
				.doUpdateSet(values)
		)
		.returning('id')
		.executeTakeFirstOrThrow();
	const invitation = await sendInvitation(ctx, id, organization.name, token);
	await publish({ ...ctx, organization }, 'invitation.offered', {
		invitation,
		organization,
		...(previous && { previousRole: previous.role })
	});
	return invitation;
}

/** Locks an organization that nobody governs. Where somebody does, who else may is theirs to say. */
async function lockUngoverned(db: Trx, id: string): Promise<Organization> {
	const row = await db
		.selectFrom('organization')
		.select(['name', 'status'])
		.where('id', '=', id)
		.where('isPersonal', '=', false)
		.forUpdate()
		.executeTakeFirst();
	if (!row || row.status === 'withdrawn') throw notFound();
	if (row.status !== 'approved') {
		throw new Refusal('CONFLICT', row.status.toUpperCase(), sentence`${row.name} is ${row.status}.`);
	}
	const governor = (await listMembers(db, id)).find(({ role }) => role === 'super_admin');
	if (governor) {
		throw new Refusal(
			'CONFLICT',
			'HAS_SUPER_ADMIN',
			`${fullName(governor)} is Super admin of ${row.name}, and decides who else becomes one.`
		);
	}
	return getOrganizationView(db, id);
}

const invitee = { ...names, email };

export const partnersRouter = router({
	/** An organization for a partner who hasn't asked: approved at once, its first Super admin invited by e-mail. */
	create: adminProcedure({ name: organizationName, ...invitee }).mutation(async ({ ctx, input }) => {
		const { name, ...person } = input;
		const writing = ctx.db
			.insertInto('organization')
			.values({
				slug: await findFreeSlug(ctx.db, name),
				name,
				...keysOf(name),
				status: 'approved',
				requestedBy: null,
				decidedBy: ctx.user.id,
				decidedAt: new Date()
			})
			.returning('id')
			.executeTakeFirstOrThrow();
		const { id } = await refusingTaken(writing, takenName(name));
		const organization = await getOrganizationView(ctx.db, id);
		await publish({ ...ctx, organization }, 'organization.created', { organization });
		await offer(ctx, organization, person);
		return organization;
	}),

	/** Invites a Super admin into an organization that has none. */
	invite: adminProcedure({ organizationId: z.uuid(), ...invitee }).mutation(async ({ ctx, input }) => {
		const { organizationId, ...person } = input;
		const organization = await lockUngoverned(ctx.db, organizationId);
		const member = (await listMembers(ctx.db, organizationId)).find((one) => one.email === person.email);
		if (member) {
			throw new Refusal(
				'CONFLICT',
				'MEMBER',
				`${person.email} is a member: make them a Super admin instead.`,
				{
					email: `${person.email} is a member: make them a Super admin instead.`
				}
			);
		}
		return offer(ctx, organization, person);
	}),

	/** Makes a member Super admin of an organization that has none. */
	appointSuperAdmin: adminProcedure({ organizationId: z.uuid(), memberId: z.uuid() }).mutation(
		async ({ ctx, input }) => {
			const organization = await lockUngoverned(ctx.db, input.organizationId);
			const before = await getMember(ctx.db, organization.id, input.memberId);
			const member = { ...before, role: 'super_admin' as const };
			await ctx.db.updateTable('membership').set({ role: member.role }).where('id', '=', member.id).execute();
			const { to, props } = roleMail({ ...ctx, organization }, before, member);
			await ctx.outbox.enqueue(ctx.db, to, 'member-role-changed', props);
			await publish({ ...ctx, organization }, 'member.appointed', { member });
			return member;
		}
	)
});
