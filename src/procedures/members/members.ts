import { z } from 'zod';
import { text } from '#lib/schema.ts';
import { sentence } from '#lib/direction.ts';
import type { Actor } from '#lib/events.ts';
import { names } from '#lib/fields.ts';
import { fullName, role, roleLabels, type Member } from '#lib/views.ts';
import { sendAhead } from '../../database/ahead.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { publish, signal } from '../../news/publish.ts';
import { Refusal } from '../../api/refusals.ts';
import { organizationProcedure, router, userProcedure, type Context } from '../../api/trpc.ts';
import { findDeparture } from '../activity/departures.ts';
import { listSeenBy } from '../credentials/exposures.ts';
import { listInvitationsOf, revokeInvitations, revokeInvitationsOf } from '../../people/invitations.ts';
import { selectMembers, memberViewOf, getMember, isLastSuperAdmin } from '../../people/members.ts';

/** How many credentials an e-mail names one by one. */
const namedCredentials = 10;

/**
 * Writes to the Super admins who stay when somebody goes without one of them having asked for it, and knows credentials
 * that still work.
 */
export async function warnOfLeaver(
	ctx: Pick<Context, 'config' | 'outbox'> & { db: Trx },
	organization: { id: string; name: string; slug: string },
	member: Member
): Promise<void> {
	const seen = await listSeenBy(ctx.db, organization.id, member.userId);
	if (seen.length === 0) return;
	const named = seen.slice(0, namedCredentials);
	const credentials = [
		...named.map(({ applicationName, label, lastFour }) => `${applicationName}: ${label} (…${lastFour})`),
		...(seen.length > named.length ? [`${seen.length - named.length} more`] : [])
	].join(', ');
	const admins = await selectMembers(ctx.db, organization.id)
		.where('membership.role', '=', 'super_admin')
		.where('membership.id', '!=', member.id)
		.execute();
	const recipients = admins.map((admin) => ({
		to: { name: fullName(admin), address: admin.email },
		props: {
			organizationName: organization.name,
			firstName: admin.firstName,
			memberName: fullName(member),
			credentials,
			usersUrl: `${ctx.config.ORIGIN}/orgs/${organization.slug}/users`
		}
	}));
	await ctx.outbox.enqueueMany(ctx.db, 'member-left', recipients);
}

/** Why the lead can't go to somebody who is no active member, or to oneself. */
async function refusalOfHeir(
	db: Db,
	{ organization, membership }: { organization: { id: string }; membership: { id: string } },
	memberId: string
): Promise<Refusal> {
	const row = await db
		.selectFrom('membership')
		.select(['id', 'firstName', 'lastName'])
		.where('id', '=', memberId)
		.where('organizationId', '=', organization.id)
		.executeTakeFirst();
	if (!row) {
		return new Refusal('NOT_FOUND', 'NOT_FOUND', 'This person is no member here, so nothing was changed.');
	}
	if (row.id === membership.id) {
		return new Refusal('FORBIDDEN', 'OWN_ROLE', 'Hand the lead over to somebody else.');
	}
	const words = sentence`The account of ${fullName(row)} is not active, so nothing was changed.`;
	return new Refusal('CONFLICT', 'INACTIVE', words);
}

/** What `member-role-changed` says to somebody who has a new role. */
export const roleMail = (
	ctx: Pick<Context, 'config'> & { actor: Actor; organization: { name: string; slug: string } },
	before: Member,
	member: Member
) => ({
	to: { name: fullName(member), address: member.email },
	props: {
		organizationName: ctx.organization.name,
		firstName: member.firstName,
		previousRoleLabel: roleLabels[before.role],
		roleLabel: roleLabels[member.role],
		actorName: ctx.actor.name,
		organizationUrl: `${ctx.config.ORIGIN}/orgs/${ctx.organization.slug}`
	}
});

export const membersRouter = router({
	update: organizationProcedure({ memberId: z.uuid(), ...names, role }).mutation(async ({ ctx, input }) => {
		const previous = await getMember(ctx.db, ctx.organization.id, input.memberId);
		const member = { ...previous, firstName: input.firstName, lastName: input.lastName, role: input.role };
		const hasNewRole = member.role !== previous.role;
		if (hasNewRole && previous.userId === ctx.user.id) {
			throw new Refusal('FORBIDDEN', 'OWN_ROLE', 'Nobody changes their own role.', {
				role: 'Nobody changes their own role.'
			});
		}
		// Whoever demotes or removes somebody else is a Super admin who stays, as the lock sees to: never the last.
		if (!hasNewRole && fullName(member) === fullName(previous)) return previous;
		const isDemoted = hasNewRole && previous.role === 'super_admin';
		const open = isDemoted ? await listInvitationsOf(ctx.db, ctx.organization.id, previous.userId) : [];
		if (hasNewRole) {
			const { to, props } = roleMail(ctx, previous, member);
			await ctx.outbox.enqueue(ctx.db, to, 'member-role-changed', props);
		}
		const { firstName, lastName, role } = member;
		await sendAhead(
			ctx.db,
			ctx.db.updateTable('membership').set({ firstName, lastName, role }).where('id', '=', member.id)
		);
		await publish(ctx, 'member.updated', { member, previous });
		await revokeInvitations(ctx, open);
		return member;
	}),

	/**
	 * The one way to change the own role: somebody else becomes Super admin, and who was it a Team member, in one step and
	 * never the one without the other. So there is no moment in which the organization has none.
	 */
	handOver: organizationProcedure({ memberId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const both = await selectMembers(ctx.db, ctx.organization.id)
			.where('membership.id', 'in', [input.memberId, ctx.membership.id])
			.execute();
		const [holder, heir] = both.map(memberViewOf).sort((one) => (one.id === ctx.membership.id ? -1 : 1));
		if (!holder || !heir) throw await refusalOfHeir(ctx.db, ctx, input.memberId);
		if (heir.role === 'super_admin') {
			const words = sentence`${fullName(heir)} is a Super admin already, and can make you a Team member.`;
			throw new Refusal('CONFLICT', 'SUPER_ADMIN', words);
		}
		const member: Member = { ...heir, role: 'super_admin' };
		const former: Member = { ...holder, role: 'team_member' };
		const open = await listInvitationsOf(ctx.db, ctx.organization.id, former.userId);
		await ctx.outbox.enqueueMany(ctx.db, 'member-role-changed', [
			roleMail(ctx, heir, member),
			roleMail(ctx, holder, former)
		]);
		await sendAhead(
			ctx.db,
			ctx.db
				.updateTable('membership')
				.set((eb) => ({
					role: eb.case().when('id', '=', member.id).then(member.role).else(former.role).end()
				}))
				.where('id', 'in', [member.id, former.id])
		);
		await publish(ctx, 'member.handedOver', { member, former });
		await revokeInvitations(ctx, open);
		return member;
	}),

	remove: organizationProcedure({ memberId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const { id: organizationId, name: organizationName } = ctx.organization;
		const member = await getMember(ctx.db, organizationId, input.memberId);
		if (member.userId === ctx.user.id) {
			throw new Refusal('FORBIDDEN', 'OWN_MEMBERSHIP', 'To go yourself, leave the organization.');
		}
		const seen = await listSeenBy(ctx.db, organizationId, member.userId);
		await ctx.db.deleteFrom('membership').where('id', '=', member.id).execute();
		await revokeInvitationsOf(ctx, member.userId);
		await ctx.outbox.enqueue(ctx.db, { name: fullName(member), address: member.email }, 'member-removed', {
			organizationName,
			firstName: member.firstName,
			actorName: ctx.actor.name
		});
		await publish(ctx, 'member.removed', { member, seen: seen.length });
		return member;
	}),

	leave: organizationProcedure({}).mutation(async ({ ctx }) => {
		const { id: organizationId, name } = ctx.organization;
		const member = await getMember(ctx.db, organizationId, ctx.membership.id);
		if (await isLastSuperAdmin(ctx.db, organizationId, member)) {
			throw new Refusal(
				'CONFLICT',
				'LAST_SUPER_ADMIN',
				sentence`${name} would be without a Super admin. Make somebody else a Super admin first.`
			);
		}
		const seen = await listSeenBy(ctx.db, organizationId, member.userId);
		await ctx.db.deleteFrom('membership').where('id', '=', member.id).execute();
		await revokeInvitationsOf(ctx, member.userId);
		await warnOfLeaver(ctx, ctx.organization, member);
		await publish(ctx, 'member.left', { member, seen: seen.length });
		return member;
	}),

	/** Credentials that the member has revealed or copied and that still work, for the dialog that removes them. */
	listRevealed: organizationProcedure({ memberId: z.uuid() }).query(async ({ ctx, input }) => {
		const member = await getMember(ctx.db, ctx.organization.id, input.memberId);
		return listSeenBy(ctx.db, ctx.organization.id, member.userId);
	}),

	/** When each member was last seen, by the id of their account; who never was is missing. */
	listSeen: organizationProcedure({}).query(async ({ ctx }): Promise<Record<string, string>> => {
		const rows = await selectMembers(ctx.db, ctx.organization.id).select('account.lastSeenAt').execute();
		return Object.fromEntries(
			rows.flatMap(({ userId, lastSeenAt }) => (lastSeenAt ? [[userId, isoOf(lastSeenAt)]] : []))
		);
	}),

	/**
	 * How the person's own membership ended lately, where it has: the event of it. Null for whoever was none, who learns
	 * nothing of the organization either.
	 */
	findDeparture: userProcedure({ slug: text(100) }).query(({ ctx: { db, user }, input: { slug } }) =>
		findDeparture(db, slug, user.id)
	),

	/**
	 * Says that the person has an organization open and has seen it up to an event; `isVisit` where they have just come.
	 * Takes no lock, since a page tells it often. Who isn't a member changes nothing, and learns nothing.
	 */
	see: userProcedure({
		organizationId: z.uuid(),
		seq: z.number().int().min(0),
		isVisit: z.boolean()
	}).mutation(async ({ ctx: { db, user }, input: { organizationId, seq, isVisit } }) => {
		const seen = await db
			.updateTable('membership')
			.from('organization')
			.set((eb) => ({
				// Never more than there is.
				seenSeq: eb.fn<number>('greatest', [
					'membership.seenSeq',
					eb.fn('least', [eb.cast<number>(eb.val(seq), 'bigint'), 'organization.lastSeq'])
				]),
				...(isVisit && { visitedAt: new Date() })
			}))
			.whereRef('organization.id', '=', 'membership.organizationId')
			.where('membership.organizationId', '=', organizationId)
			.where('membership.userId', '=', user.id)
			.returning('membership.seenSeq')
			.executeTakeFirst();
		if (seen) await signal(db, { kind: 'seen', userId: user.id, organizationId, seq: seen.seenSeq });
		return {};
	})
});
