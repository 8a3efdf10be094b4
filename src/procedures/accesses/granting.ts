import { sql } from 'kysely';
import type { Trx } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import { retirementKey } from '../products/views.ts';

/**
 * Has these requests granted, under the locks of their organizations: what an application has of a product is one row for
 * ever, whose id the plan's limits count by. An end that was set is taken back by it, and what the
 * provider had ended for the organization is open to automatic plans again.
 */
export async function grantAll(db: Trx, requestIds: readonly string[]): Promise<void> {
	await db
		.with('unbarred', (query) =>
			query
				.deleteFrom('accessBar')
				.using('accessRequest')
				.whereRef('accessBar.organizationId', '=', 'accessRequest.organizationId')
				.whereRef('accessBar.productId', '=', 'accessRequest.productId')
				.where('accessRequest.id', 'in', idsIn(requestIds))
		)
		.insertInto('access')
		.columns(['organizationId', 'applicationId', 'productId', 'planId', 'grantedAt', 'retirementTold'])
		.expression(
			db
				.selectFrom('accessRequest')
				.innerJoin('product', 'product.id', 'accessRequest.productId')
				.select(['organizationId', 'applicationId', 'productId', 'planId'])
				// What the page has said where it was asked for.
				.select([sql<Date>`clock_timestamp()`.as('grantedAt'), retirementKey.as('retirementTold')])
				.where('accessRequest.id', 'in', idsIn(requestIds))
		)
		.onConflict((conflict) =>
			conflict.columns(['applicationId', 'productId']).doUpdateSet((eb) => ({
				planId: eb.ref('excluded.planId'),
				// Another plan of what it has doesn't begin it anew.
				grantedAt: sql<Date>`case when access.ends_at <= now() then excluded.granted_at else access.granted_at end`,
				endsAt: null,
				endedBy: null,
				endReason: '',
				retirementTold: eb.ref('excluded.retirementTold'),
				// The team is told by which plan it has it.
				limitsToldAt: sql<Date>`clock_timestamp()`,
				agesToldAt: sql<Date>`clock_timestamp()`
			}))
		)
		.execute();
}
