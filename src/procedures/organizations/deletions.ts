import type { Logger } from 'pino';
import { z } from 'zod';
import { sayDay } from '#lib/dates.ts';
import { sentence } from '#lib/direction.ts';
import { text } from '#lib/schema.ts';
import type { Organization, Status } from '#lib/views.ts';
import type { Db } from '../../database/database.ts';
import { publish, signalAll } from '../../news/publish.ts';
import { fieldRefusal, notFound, Refusal } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import {
	adminProcedure,
	organizationProcedure,
	router,
	system,
	type WritingContext
} from '../../api/trpc.ts';
import { withdrawPending } from '../products/withdrawals.ts';
import { leaveEventsOf } from '../activity/activity.ts';
import { getOrganizationView, listRecipients } from './organizations.ts';

/** The end of an organization: asked for by its Super admins or by the portal's, and carried out some days later. */

const daysUntilDeletion = 7;

const deletable: readonly Status[] = ['approved', 'suspended', 'rejected'];

type Asking = WritingContext & { user: { id: string } };

/** Under the lock of the organization's row. */
async function schedule(ctx: Asking, id: string, typed: string, isByPortal: boolean): Promise<Organization> {
	const before = await getOrganizationView(ctx.db, id);
	if (typed.trim() !== before.name) {
		throw fieldRefusal('name', 'INVALID', sentence`Type the name as it is: ${before.name}`);
	}
	if (before.deletion) {
		const { by, at } = before.deletion;
		throw new Refusal(
			'CONFLICT',
			'DECIDED',
			sentence`${by?.name ?? 'Somebody'} has asked for that already: ${before.name} will be deleted on ${at.slice(0, 10)}.`
		);
	}
	const deletesAt = new Date(Date.now() + daysUntilDeletion * 86_400_000);
	await ctx.db
		.updateTable('organization')
		.set({ deletesAt, deletionAskedBy: ctx.user.id, isDeletionByPortal: isByPortal })
		.where('id', '=', id)
		.execute();
	const organization = await getOrganizationView(ctx.db, id);
	const said = { actorName: ctx.actor.name, deletesAt: sayDay(deletesAt) };
	const recipients = await listRecipients(ctx, organization);
	await ctx.outbox.enqueueMany(
		ctx.db,
		'organization-deletion-scheduled',
		recipients.map(({ to, props }) => ({ to, props: { ...props, ...said } }))
	);
	await publish({ ...ctx, organization }, 'organization.deletionScheduled', { organization });
	return organization;
}

/** Under the lock of the organization's row. */
async function cancel(ctx: Asking, id: string): Promise<Organization> {
	await ctx.db
		.updateTable('organization')
		.set({ deletesAt: null, deletionAskedBy: null, isDeletionByPortal: false })
		.where('id', '=', id)
		.execute();
	const organization = await getOrganizationView(ctx.db, id);
	const recipients = await listRecipients(ctx, organization);
	await ctx.outbox.enqueueMany(
		ctx.db,
		'organization-deletion-cancelled',
		recipients.map(({ to, props }) => ({ to, props: { ...props, actorName: ctx.actor.name } }))
	);
	await publish({ ...ctx, organization }, 'organization.deletionCancelled', { organization });
	return organization;
}

/** For portal admins, who belong to no organization: locks it, and refuses what is none. */
async function lockCompany(ctx: WritingContext, id: string) {
	const row = await ctx.db
		.selectFrom('organization')
		.select(['id', 'name', 'status', 'deletesAt'])
		.where('id', '=', id)
		.where('isPersonal', '=', false)
		.forUpdate()
		.executeTakeFirst();
	if (!row || row.status === 'withdrawn') throw notFound();
	return row;
}

const notScheduled = (name: string) =>
	new Refusal('CONFLICT', 'DECIDED', sentence`Nobody wants ${name} deleted any more.`);

const typedName = text(200);

export const deletionsRouter = router({
	/** After seven days everything of it goes; until then it works as before, and `cancelDeletionAsPortal` ends that. */
	scheduleDeletionAsPortal: adminProcedure({ organizationId: z.uuid(), name: typedName }).mutation(
		async ({ ctx, input }) => {
			const { id, name, status } = await lockCompany(ctx, input.organizationId);
			if (!deletable.includes(status)) {
				throw new Refusal(
					'CONFLICT',
					'PENDING',
					sentence`${name} waits for a decision: reject the request instead.`
				);
			}
			return schedule(ctx, id, input.name, true);
		}
	),

	/** Whoever asked for the deletion: the portal's team or a Super admin. */
	cancelDeletionAsPortal: adminProcedure({ organizationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const { id, name, deletesAt } = await lockCompany(ctx, input.organizationId);
		if (!deletesAt) throw notScheduled(name);
		return cancel(ctx, id);
	}),

	scheduleDeletion: organizationProcedure({ name: typedName }).mutation(({ ctx, input }) =>
		schedule(ctx, ctx.organization.id, input.name, false)
	),

	/** Takes back what a Super admin asked for. What the portal's team has set, only the portal's team takes back. */
	cancelDeletion: organizationProcedure({}).mutation(async ({ ctx }) => {
		const { id, name, deletesAt, isDeletionByPortal } = ctx.organization;
		if (!deletesAt) throw notScheduled(name);
		if (isDeletionByPortal) {
			throw new Refusal('FORBIDDEN', 'BY_PORTAL', 'The portal’s team has set this, and can take it back.');
		}
		return cancel(ctx, id);
	})
});

/**
 * Deletes the organizations whose time has come, each in a transaction of its own: one that can't be deleted now holds
 * up no other. What the portal's admins know of it stays in their activity.
 * @throws {Error} once all have been tried, when one of them failed.
 */
export async function deleteDueOrganizations(
	parts: { db: Db; log: Logger } & Omit<WritingContext, 'db' | 'actor' | 'organization'>
): Promise<void> {
	const due = await parts.db
		.selectFrom('organization')
		.select('id')
		.where('deletesAt', '<=', new Date())
		.orderBy('deletesAt')
		.execute();
	let failed = 0;
	for (const { id } of due) {
		try {
			await transact(parts.db, (db) => deleteOrganization({ ...parts, db, actor: system }, id));
		} catch (error) {
			parts.log.error({ err: error, organizationId: id }, 'an organization could not be deleted');
			failed += 1;
		}
	}
	if (failed > 0) throw new Error(`${failed} of ${due.length} organizations could not be deleted`);
}

async function deleteOrganization(ctx: WritingContext, id: string): Promise<void> {
	const { db } = ctx;
	const due = await db
		.selectFrom('organization')
		.select('id')
		.where('id', '=', id)
		.where('deletesAt', '<=', new Date())
		.forUpdate()
		.executeTakeFirst();
	// Taken back in the meantime, or deleted by another process.
	if (!due) return;
	const organization = await getOrganizationView(db, id);
	const recipients = await listRecipients(ctx, organization);
	await withdrawPending({ ...ctx, organization });
	const applications = db.selectFrom('application').select('id').where('organizationId', '=', id);
	await db.deleteFrom('credential').where('applicationId', 'in', applications).execute();
	await db.deleteFrom('application').where('organizationId', '=', id).execute();
	await db.deleteFrom('invitation').where('organizationId', '=', id).execute();
	await db.deleteFrom('presence').where('organizationId', '=', id).execute();
	const members = await db
		.deleteFrom('membership')
		.where('organizationId', '=', id)
		.returning('userId')
		.execute();
	await signalAll(
		db,
		members.map(({ userId }) => ({ kind: 'account', userId }))
	);
	const told = recipients.map(({ to, props: { organizationName, firstName } }) => ({
		to,
		props: { organizationName, firstName }
	}));
	await ctx.outbox.enqueueMany(db, 'organization-deleted', told);
	await leaveEventsOf(db, [id]);
	await publish({ ...ctx, organization }, 'organization.deleted', { organization });
	// Nothing hangs on the row any more.
	await db.deleteFrom('organization').where('id', '=', id).execute();
}
