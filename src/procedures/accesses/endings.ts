import { sql, type SqlBool } from 'kysely';
import { z } from 'zod';
import { endsWithinDays } from '#lib/accesses.ts';
import { sentence } from '#lib/direction.ts';
import { rejectionReason, wholeNumber } from '#lib/fields.ts';
import type { Trx } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import { lockOrganization } from '../../api/grants.ts';
import { Refusal } from '../../api/refusals.ts';
import { adminProcedure, router } from '../../api/trpc.ts';
import { isAccessInForce } from '../products/visibility.ts';
import { tellEnd, tellKept } from './telling.ts';
import { getAccess } from '../products/accesses.ts';

/** How portal admins end what they have granted: at once or some days later, until when they can take it back. */

const place = { organizationId: z.uuid(), accessId: z.uuid() };

const gone = () =>
	new Refusal('NOT_FOUND', 'NOT_FOUND', 'This access is no longer there: the application was deleted.');

/** Holds the organization, and reads what is to be ended or kept. @throws {Refusal} NOT_FOUND. */
async function lockAccess(
	db: Trx,
	{ organizationId, accessId }: { organizationId: string; accessId: string }
) {
	const organization = await lockOrganization(db, organizationId);
	if (!organization) throw gone();
	const access = await db
		.selectFrom('access')
		.select(['id', 'applicationId', 'productId', 'endsAt', 'endedBy'])
		.select(isAccessInForce.as('isInForce'))
		.where('id', '=', accessId)
		.where('organizationId', '=', organizationId)
		.executeTakeFirst();
	if (!access) throw gone();
	return { organization, access };
}

const dayOf = (at: Date | null) => at?.toISOString().slice(0, 10) ?? '';

export const endingsRouter = router({
	/** Also where an end is set: this one takes its place. */
	end: adminProcedure({
		...place,
		/** A span, not a date: whatever the clock of a browser says. */
		inDays: wholeNumber('In how many days it ends', 0, endsWithinDays).default(0),
		reason: rejectionReason.optional()
	}).mutation(async ({ ctx, input }) => {
		const { db } = ctx;
		const { organization, access: before } = await lockAccess(db, input);
		if (!before.isInForce) {
			const who = before.endedBy?.name ?? 'Somebody';
			const words = sentence`${who} has ended this access already, on ${dayOf(before.endsAt)}.`;
			throw new Refusal('CONFLICT', 'ENDED', words);
		}
		await db
			.updateTable('access')
			.set({
				endsAt: sql<Date>`now() + make_interval(days => ${input.inDays})`,
				endedBy: ctx.actor,
				endReason: input.reason ?? ''
			})
			.where('id', '=', before.id)
			.execute();
		await db
			.insertInto('accessBar')
			.values({ organizationId: organization.id, productId: before.productId })
			.onConflict((conflict) => conflict.doNothing())
			.execute();
		const access = await getAccess(db, before.applicationId, before.productId);
		await tellEnd(ctx, { organizationId: organization.id, access }, input.inDays === 0);
		await publish({ ...ctx, organization }, 'access.ended', { access });
		return access;
	}),

	/** Takes an end back before its day. */
	cancelEnd: adminProcedure(place).mutation(async ({ ctx, input }) => {
		const { db } = ctx;
		const { organization, access: before } = await lockAccess(db, input);
		if (!before.isInForce) {
			const words = sentence`This access has ended on ${dayOf(before.endsAt)}. It takes a new request.`;
			throw new Refusal('CONFLICT', 'ENDED', words);
		}
		if (!before.endsAt) {
			throw new Refusal('CONFLICT', 'DECIDED', 'Nobody has this access end any more.');
		}
		await db
			.updateTable('access')
			.set({ endsAt: null, endedBy: null, endReason: '' })
			.where('id', '=', before.id)
			.execute();
		// Unless another application's has been ended.
		await db
			.deleteFrom('accessBar')
			.where('organizationId', '=', organization.id)
			.where('productId', '=', before.productId)
			.where(
				sql<SqlBool>`not exists (
					select from access
					where access.organization_id = access_bar.organization_id
						and access.product_id = access_bar.product_id
						and access.ends_at is not null and access.ended_by ->> 'kind' = 'admin'
				)`
			)
			.execute();
		const access = await getAccess(db, before.applicationId, before.productId);
		await tellKept(ctx, { organizationId: organization.id, access });
		await publish({ ...ctx, organization }, 'access.kept', { access });
		return access;
	})
});
