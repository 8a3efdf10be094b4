import { sql } from 'kysely';
import { z } from 'zod';
import { decidedAtOnce, sayDecided, sayObstacle } from '#lib/accesses.ts';
import type { Actor } from '#lib/events.ts';
import { rejectionReason } from '#lib/fields.ts';
import type { ProductAccess, RequestStatus } from '#lib/products.ts';
import { isoOf, type Trx } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import { publishMany } from '../../news/publish.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { adminProcedure, router, type Context } from '../../api/trpc.ts';
import { isOfferedTo, isRetired } from '../products/visibility.ts';
import { grantAll } from './granting.ts';
import { tellDecisions } from './telling.ts';
import { listAccessesOfRequests } from '../products/accesses.ts';

/** What the portal admins decide about requests for access, one or several at once. */

/** Of a request that waits no longer: who was faster, and when. @throws {Refusal} */
export function refuseDecided(row: {
	status: RequestStatus;
	decidedBy: Actor | null;
	decidedAt: Date | null;
}): void {
	if (row.status === 'pending') return;
	throw new Refusal('CONFLICT', 'DECIDED', sayDecided({ ...row, decidedAt: isoOf(row.decidedAt) }));
}

type Answer =
	| { id: string; outcome: 'decided'; access: ProductAccess }
	| { id: string; outcome: 'refused'; reason: string; message: string };

type Deciding = Pick<Context, 'config' | 'outbox'> & { db: Trx; actor: Actor };

/** Holds the organizations of these requests, in the order of their ids, until the commit. */
const lockOrganizationsOf = (db: Trx, ids: readonly string[]) =>
	db
		.selectFrom('organization')
		.select('organization.id')
		.where(
			'organization.id',
			'in',
			db
				.selectFrom('accessRequest')
				.select('accessRequest.organizationId')
				.where('accessRequest.id', 'in', idsIn(ids))
		)
		.orderBy('organization.id')
		.forUpdate()
		.execute();

const selectForDecision = (db: Trx, ids: readonly string[]) =>
	db
		.selectFrom('accessRequest')
		.innerJoin('organization', 'organization.id', 'accessRequest.organizationId')
		.innerJoin('product', 'product.id', 'accessRequest.productId')
		.select([
			'accessRequest.id',
			'accessRequest.status',
			'accessRequest.decidedBy',
			'accessRequest.decidedAt'
		])
		.select(['organization.name as organizationName', 'organization.status as organizationStatus'])
		.select(['product.name as productName', isRetired.as('isRetired')])
		.select(isOfferedTo(sql.ref('accessRequest.organizationId')).as('isOffered'))
		.where('accessRequest.id', 'in', idsIn(ids))
		.execute();

type Row = Awaited<ReturnType<typeof selectForDecision>>[number];

/** Why this can't be decided so; undefined where it can. */
function findRefusal(decision: 'approved' | 'rejected', row: Row | undefined): Refusal | undefined {
	if (!row) return new Refusal('NOT_FOUND', 'NOT_FOUND', 'This request is no longer there.');
	try {
		refuseDecided(row);
	} catch (error) {
		if (error instanceof Refusal) return error;
		throw error;
	}
	if (decision === 'rejected') return undefined;
	const obstacle = sayObstacle({
		organization: { name: row.organizationName, status: row.organizationStatus },
		product: { name: row.productName, isRetired: row.isRetired as boolean },
		isOffered: row.isOffered as boolean
	});
	return obstacle === null ? undefined : new Refusal('CONFLICT', 'OBSTACLE', obstacle);
}

/** Decides about those that can be decided, with an answer for each: a fixed number of statements, and one event each. */
async function decideAll(
	ctx: Deciding,
	decision: 'approved' | 'rejected',
	given: readonly string[],
	reason: string
): Promise<(Answer & { refusal?: Refusal })[]> {
	const { db, actor } = ctx;
	const ids = [...new Set(given)];
	const held = new Set((await lockOrganizationsOf(db, ids)).map(({ id }) => id));
	const rows = new Map((await selectForDecision(db, ids)).map((row) => [row.id, row]));
	const refusals = new Map(
		ids.flatMap((id) => {
			const refusal = findRefusal(decision, rows.get(id));
			return refusal ? [[id, refusal] as const] : [];
		})
	);
	const decided = ids.filter((id) => !refusals.has(id));
	const accesses: Awaited<ReturnType<typeof listAccessesOfRequests>> = new Map();
	if (decided.length > 0) {
		await db
			.updateTable('accessRequest')
			.set({ status: decision, reason, decidedBy: actor, decidedAt: sql<Date>`clock_timestamp()` })
			.where('id', 'in', idsIn(decided))
			.where('status', '=', 'pending')
			.execute();
		if (decision === 'approved') await grantAll(db, decided);
		for (const [id, one] of await listAccessesOfRequests(db, decided)) accesses.set(id, one);
		await tellDecisions(ctx, decision, [...accesses.values()]);
	}
	const byOrganization = Map.groupBy(accesses.values(), ({ organizationId }) => organizationId);
	// In the order in which they are held, the portal's row last.
	for (const organizationId of held) {
		const told = (byOrganization.get(organizationId) ?? []).map(({ access }) => ({ access }));
		const organization = { id: organizationId, isPersonal: false };
		await publishMany({ ...ctx, organization }, `access.${decision}`, told);
	}
	return given.map((id) => {
		const refusal = refusals.get(id);
		const { access } = accesses.get(id) ?? {};
		if (access) return { id, outcome: 'decided', access };
		if (!refusal) throw new Error('A request was neither decided nor refused.');
		return { id, outcome: 'refused', reason: refusal.reason, message: refusal.message, refusal };
	});
}

async function decideOne(
	ctx: Deciding,
	decision: 'approved' | 'rejected',
	id: string,
	reason = ''
): Promise<ProductAccess> {
	const [answer] = await decideAll(ctx, decision, [id], reason);
	if (answer?.outcome === 'decided') return answer.access;
	throw answer?.refusal ?? notFound();
}

export const accessDecisionsRouter = router({
	/** Also by a plan that has been closed since it was asked for. */
	approve: adminProcedure({ requestId: z.uuid() }).mutation(({ ctx, input }) =>
		decideOne(ctx, 'approved', input.requestId)
	),

	reject: adminProcedure({ requestId: z.uuid(), reason: rejectionReason.optional() }).mutation(
		({ ctx, input }) => decideOne(ctx, 'rejected', input.requestId, input.reason)
	),

	/** Several in the same way, with an answer for each in its place: one that can't be decided holds up no other. */
	decideMany: adminProcedure({
		requestIds: z.array(z.uuid()).min(1).max(decidedAtOnce),
		decision: z.enum(['approved', 'rejected']),
		reason: rejectionReason.optional()
	}).mutation(async ({ ctx, input }): Promise<Answer[]> => {
		const { requestIds, decision, reason = '' } = input;
		const answers = await decideAll(ctx, decision, requestIds, decision === 'rejected' ? reason : '');
		return answers.map(({ refusal: _, ...answer }) => answer as Answer);
	})
});
