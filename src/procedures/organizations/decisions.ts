import type { Updateable } from 'kysely';
import { z } from 'zod';
import { sayMinute } from '#lib/dates.ts';
import { sentence } from '#lib/direction.ts';
import { organizationName, rejectionReason } from '#lib/fields.ts';
import { text } from '#lib/schema.ts';
import type { Organization, Status } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import { keysOf } from './names.ts';
import { publish } from '../../news/publish.ts';
import type { Tables } from '../../database/tables.ts';
import { notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { adminProcedure, router, type WritingContext } from '../../api/trpc.ts';
import { getOrganizationView, listRecipients, takenName } from './organizations.ts';

/** What the portal admins decide about organizations. */

/** The status, the decision and the event of a change from one of `from` to `to`; refused when somebody was faster. */
async function decide(
	ctx: WritingContext & { user: { id: string } },
	id: string,
	from: readonly Status[],
	to: Status,
	values: Updateable<Tables['organization']>,
	/** The name under which it was shown to whoever decides. */
	shownName: string = ''
): Promise<{ organization: Organization; previousStatus: Status }> {
	const before = await ctx.db
		.selectFrom('organization')
		.select(['name', 'status', 'isPersonal'])
		.where('id', '=', id)
		.where('isPersonal', '=', false)
		.forUpdate()
		.executeTakeFirst();
	if (!before || before.status === 'withdrawn') throw notFound();
	if (!from.includes(before.status)) {
		const { decidedBy, decidedAt, status } = await getOrganizationView(ctx.db, id);
		const who = decidedBy ? ` by ${decidedBy.name}` : '';
		const when = decidedAt ? ` at ${sayMinute(decidedAt)}` : '';
		throw new Refusal('CONFLICT', 'DECIDED', sentence`${before.name} is ${status} already${who}${when}.`);
	}
	if (shownName && shownName !== before.name) {
		const words = sentence`${shownName} is called ${before.name} by now. Look at it again before you decide.`;
		throw new Refusal('CONFLICT', 'RENAMED', words);
	}
	const writing = ctx.db
		.updateTable('organization')
		.set({ ...values, status: to })
		.where('id', '=', id)
		.execute();
	await refusingTaken(writing, takenName(before.name));
	return { organization: await getOrganizationView(ctx.db, id), previousStatus: before.status };
}

const decision = (userId: string) => ({ decidedBy: userId, decidedAt: new Date() });

/** Tells every member of a decision by e-mail. A request has one, who asked. */
async function tellMembers(
	ctx: WritingContext,
	organization: Organization,
	name: 'organization-approved' | 'organization-rejected' | 'organization-suspended' | 'organization-restored'
): Promise<void> {
	const recipients = await listRecipients(ctx, organization);
	if (name !== 'organization-rejected') return void (await ctx.outbox.enqueueMany(ctx.db, name, recipients));
	const reason = organization.rejectionReason ?? '';
	const withReason = recipients.map(({ to, props }) => ({ to, props: { ...props, reason } }));
	await ctx.outbox.enqueueMany(ctx.db, name, withReason);
}

/** Who asked may have been deactivated since: nobody could govern what is approved then. */
async function refuseUngoverned(db: Trx, { id, name }: Organization): Promise<void> {
	const governor = await db
		.selectFrom('membership')
		.innerJoin('account', 'account.id', 'membership.userId')
		.select('membership.id')
		.where('membership.organizationId', '=', id)
		.where('membership.role', '=', 'super_admin')
		.where('account.status', '=', 'active')
		.executeTakeFirst();
	if (governor) return;
	const words = sentence`The account of whoever asked for ${name} is not active, so it would have no Super admin. Activate the account first, or reject the request.`;
	throw new Refusal('CONFLICT', 'NO_SUPER_ADMIN', words);
}

const shownName = text(200).optional();

export const organizationDecisionsRouter = router({
	approve: adminProcedure({ organizationId: z.uuid(), name: shownName }).mutation(async ({ ctx, input }) => {
		const values = { ...decision(ctx.user.id), rejectionReason: null };
		const decided = await decide(ctx, input.organizationId, ['pending'], 'approved', values, input.name);
		await refuseUngoverned(ctx.db, decided.organization);
		await tellMembers(ctx, decided.organization, 'organization-approved');
		await publish({ ...ctx, organization: decided.organization }, 'organization.approved', decided);
		return decided.organization;
	}),

	reject: adminProcedure({
		organizationId: z.uuid(),
		name: shownName,
		reason: rejectionReason.optional()
	}).mutation(async ({ ctx, input }) => {
		const values = { ...decision(ctx.user.id), rejectionReason: input.reason || null };
		const decided = await decide(ctx, input.organizationId, ['pending'], 'rejected', values, input.name);
		await tellMembers(ctx, decided.organization, 'organization-rejected');
		await publish({ ...ctx, organization: decided.organization }, 'organization.rejected', decided);
		return decided.organization;
	}),

	suspend: adminProcedure({ organizationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const decided = await decide(ctx, input.organizationId, ['approved'], 'suspended', decision(ctx.user.id));
		await tellMembers(ctx, decided.organization, 'organization-suspended');
		await publish({ ...ctx, organization: decided.organization }, 'organization.suspended', decided);
		return decided.organization;
	}),

	restore: adminProcedure({ organizationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const decided = await decide(ctx, input.organizationId, ['suspended'], 'approved', decision(ctx.user.id));
		await tellMembers(ctx, decided.organization, 'organization-restored');
		await publish({ ...ctx, organization: decided.organization }, 'organization.restored', decided);
		return decided.organization;
	}),

	/** Corrects a name on behalf of the organization, before or after the decision. */
	correct: adminProcedure({ organizationId: z.uuid(), name: organizationName }).mutation(
		async ({ ctx, input: { organizationId, name } }) => {
			const before = await ctx.db
				.selectFrom('organization')
				.select(['name', 'status'])
				.where('id', '=', organizationId)
				.where('isPersonal', '=', false)
				.forUpdate()
				.executeTakeFirst();
			if (!before || before.status === 'withdrawn') throw notFound();
			if (name === before.name) return getOrganizationView(ctx.db, organizationId);
			const writing = ctx.db
				.updateTable('organization')
				.set({ name, ...keysOf(name) })
				.where('id', '=', organizationId)
				.execute();
			await refusingTaken(writing, takenName(name));
			const organization = await getOrganizationView(ctx.db, organizationId);
			await publish({ ...ctx, organization }, 'organization.renamed', {
				organization,
				previousName: before.name
			});
			return organization;
		}
	)
});
