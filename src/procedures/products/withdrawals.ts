import { sql } from 'kysely';
import type { Actor } from '#lib/events.ts';
import type { Trx } from '../../database/database.ts';
import { publishMany } from '../../news/publish.ts';
import { listAccessesOfRequests } from './accesses.ts';

/** Keeps what was decided about an application that is about to be deleted, by its name. */
export const keepDecisions = (db: Trx, { id, name }: { id: string; name: string }) =>
	db.updateTable('accessRequest').set({ applicationName: name }).where('applicationId', '=', id).execute();

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
