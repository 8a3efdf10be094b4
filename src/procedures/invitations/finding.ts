import { z } from 'zod';
import { email } from '#lib/fields.ts';
import { organizationProcedure, router } from '../../api/trpc.ts';
import { invitationViewOf, selectInvitations } from '../../people/invitations.ts';

/** What Super admins ask of invitations where a page doesn't have all of them. */
export const findingRouter = router({
	/** The open invitation of an address, where there is one. */
	find: organizationProcedure({ email }).query(async ({ ctx: { db, organization }, input }) => {
		const row = await selectInvitations(db)
			.where('invitation.organizationId', '=', organization.id)
			.where('invitation.state', '=', 'pending')
			.where('invitation.email', '=', input.email)
			.executeTakeFirst();
		return { seq: organization.lastSeq, invitations: row ? [invitationViewOf(row)] : [] };
	}),

	/** How many invitations that somebody has sent are open. */
	count: organizationProcedure({ inviterId: z.uuid() }).query(
		async ({ ctx: { db, organization }, input }) => {
			const { count } = await db
				.selectFrom('invitation')
				.select(({ fn }) => fn.countAll<number>().as('count'))
				.where('organizationId', '=', organization.id)
				.where('invitedBy', '=', input.inviterId)
				.where('state', '=', 'pending')
				.executeTakeFirstOrThrow();
			return { count: Number(count) };
		}
	)
});
