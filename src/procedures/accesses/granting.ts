import { sql } from 'kysely';
import type { Actor } from '#lib/events.ts';
import type { Trx } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import { publishMany } from '../../news/publish.ts';
import { listAccessesOfRequests } from './views.ts';

/**
 * Has these requests granted, under the locks of their organizations: what an application has of a product is one row for
 * ever, whose id the plan's limits count by. An end that was set is taken back by it.
 */
export async function grantAll(db: Trx, requestIds: readonly string[]): Promise<void> {
	await db
		.insertInto('access')
		.columns(['organizationId', 'applicationId', 'productId', 'planId', 'grantedAt'])
		.expression(
			db
				.selectFrom('accessRequest')
				.select(['organizationId', 'applicationId', 'productId', 'planId'])
				.select(sql<Date>`clock_timestamp()`.as('grantedAt'))
				.where('id', 'in', idsIn(requestIds))
		)
		.onConflict((conflict) =>
			conflict.columns(['applicationId', 'productId']).doUpdateSet((eb) => ({
				planId: eb.ref('excluded.planId'),
				// Another plan of what it has doesn't begin it anew.
				grantedAt: sql<Date>`case when access.ends_at <= now() then excluded.granted_at else access.granted_at end`,
				endsAt: null,
				endedBy: null,
				endReason: '',
				// The team is told by which plan it has it.
				limitsToldAt: sql<Date>`clock_timestamp()`,
				agesToldAt: sql<Date>`clock_timestamp()`
			}))
		)
		.execute();
}

/** Has automatic plans open again what the provider had ended: a portal admin has approved these requests. */
export const unbar = (db: Trx, requestIds: readonly string[]) =>
	sql`
		delete from access_bar using access_request as request
		where request.id in ${idsIn(requestIds)}
			and access_bar.organization_id = request.organization_id
			and access_bar.product_id = request.product_id`.execute(db);

/**
 * Takes back what waits for a decision, of the organization or of one of its applications, before that goes: whoever decides
 * sees it go. Under the organization's lock.
 */
export async function withdrawPending(
	ctx: { db: Trx; actor: Actor; organization: { id: string; isPersonal: boolean } },
	applicationId?: string
): Promise<void> {
	const { db, actor, organization } = ctx;
	const withdrawn = await db
		.updateTable('accessRequest')
		.set({ status: 'withdrawn', decidedBy: actor, decidedAt: sql<Date>`clock_timestamp()` })
		.where('organizationId', '=', organization.id)
		.where('status', '=', 'pending')
		.$if(applicationId !== undefined, (query) => query.where('applicationId', '=', applicationId ?? ''))
		.returning('id')
		.execute();
	if (withdrawn.length === 0) return;
	const accesses = await listAccessesOfRequests(
		db,
		withdrawn.map(({ id }) => id)
	);
	await publishMany(
		ctx,
		'access.withdrawn',
		[...accesses.values()].map(({ access }) => ({ access }))
	);
}
