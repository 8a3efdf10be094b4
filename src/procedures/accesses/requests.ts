import { sql, type SqlBool } from 'kysely';
import { z } from 'zod';
import type { AccessRequest } from '#lib/accesses.ts';
import { searchText } from '#lib/fields.ts';
import { requestStatuses, type PlanHead } from '#lib/products.ts';
import { searchKey } from '#lib/search.ts';
import { cursor, type Cursor } from '#lib/views.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { holding, ordered, takePage, type Order } from '../../database/paging.ts';
import { idsIn } from '../../database/sets.ts';
import { adminProcedure, ofOneMoment, router } from '../../api/trpc.ts';
import { isOfferedTo, isRetired } from '../products/visibility.ts';
import { grantedOf, planIn } from '../products/accesses.ts';

/** The portal admins' lists: what waits for them, and what became of everything else. */

const pageLength = 50;

const byId = { id: 'accessRequest.id', idType: 'uuid', form: 'moment' } as const;
/** Who has waited longest comes first, and what was decided last. */
const orders = {
	waiting: { ...byId, column: 'accessRequest.requestedAt', direction: 'asc' },
	decided: { ...byId, column: 'accessRequest.decidedAt', direction: 'desc' }
} satisfies Record<string, Order>;

const selectRequests = (db: Db) =>
	db
		.selectFrom('accessRequest')
		.innerJoin('organization', 'organization.id', 'accessRequest.organizationId')
		.leftJoin('application', 'application.id', 'accessRequest.applicationId')
		.innerJoin('product', 'product.id', 'accessRequest.productId')
		.innerJoin('plan', 'plan.id', 'accessRequest.planId')
		.leftJoin('access', (join) =>
			join
				.onRef('access.applicationId', '=', 'accessRequest.applicationId')
				.onRef('access.productId', '=', 'accessRequest.productId')
		)
		.leftJoin('plan as held', 'held.id', 'access.planId')
		.selectAll('accessRequest')
		.select(['organization.name as organizationName', 'organization.status as organizationStatus'])
		.select(['application.name as applicationNow', 'product.slug', 'product.name as productName'])
		.select(['access.id as accessId', 'access.grantedAt', 'access.endsAt', 'access.endReason'])
		.select([isRetired.as('isRetired'), planIn('plan').as('plan'), planIn('held').as('heldPlan')])
		.select(['plan.closedAt', isOfferedTo(sql.ref('accessRequest.organizationId')).as('isOffered')])
		.select(
			sql<boolean>`not exists (
				select from access_request as later
				where later.application_id = access_request.application_id
					and later.product_id = access_request.product_id
					and later.status = 'approved' and later.requested_at > access_request.requested_at
			)`.as('isLatest')
		);

type Row = Awaited<ReturnType<ReturnType<typeof selectRequests>['executeTakeFirstOrThrow']>>;

function requestViewOf(row: Row): AccessRequest {
	const { status, isLatest } = row;
	return {
		id: row.id,
		organization: { id: row.organizationId, name: row.organizationName, status: row.organizationStatus },
		application: {
			id: row.applicationId,
			name: row.applicationNow ?? row.applicationName ?? 'A deleted application',
			isDeleted: row.applicationNow === null
		},
		product: {
			id: row.productId,
			slug: row.slug,
			name: row.productName,
			isRetired: row.isRetired as boolean
		},
		isOffered: row.isOffered as boolean,
		plan: { ...(row.plan as PlanHead), isClosed: row.closedAt !== null },
		message: row.message,
		status,
		reason: row.reason,
		requestedBy: { id: row.requestedBy.id, name: row.requestedBy.name },
		requestedAt: isoOf(row.requestedAt),
		decidedBy: row.decidedBy && { name: row.decidedBy.name },
		decidedAt: isoOf(row.decidedAt),
		granted: status === 'pending' || (status === 'approved' && isLatest) ? grantedOf(row) : null
	};
}

/** Whether what a request names is called so; each name is compared once, however many requests name it. */
const namesWhatHolds = (pattern: string) => sql<SqlBool>`(
	access_request.organization_id in (select id from organization where search_key like ${pattern})
	or access_request.product_id in (select id from product where search_key like ${pattern})
	or access_request.application_id in (select id from application where search_key like ${pattern})
)`;

const nameOf = async (db: Db, table: 'product' | 'organization', id: string | null) =>
	id === null
		? null
		: ((await db.selectFrom(table).select(['id', 'name']).where('id', '=', id).executeTakeFirst()) ?? null);

export const requestsRouter = router({
	list: adminProcedure({
		status: z.enum(requestStatuses).default('pending'),
		search: searchText.default(''),
		productId: z.uuid().nullable().default(null),
		organizationId: z.uuid().nullable().default(null),
		after: cursor.nullable().default(null)
	})
		.use(ofOneMoment)
		.query(async ({ ctx: { db }, input }) => {
			const { status, productId, organizationId, after } = input;
			const wanted = searchKey(input.search);
			// Which rows they are comes of the one table and its indexes; what they name is joined to those of the page alone.
			const fitting = db
				.selectFrom('accessRequest')
				.select('accessRequest.id')
				.where('accessRequest.status', '=', status)
				.$if(productId !== null, (query) => query.where('accessRequest.productId', '=', productId ?? ''))
				.$if(organizationId !== null, (query) =>
					query.where('accessRequest.organizationId', '=', organizationId ?? '')
				)
				.$if(wanted !== '', (query) => query.where(namesWhatHolds(holding(wanted))));
			const order = status === 'pending' ? orders.waiting : orders.decided;
			const page = await takePage<{ id: string }, Cursor>(fitting, order, after, pageLength);
			const ids = idsIn(page.rows.map(({ id }) => id));
			const rows = await ordered(selectRequests(db).where('accessRequest.id', 'in', ids), order).execute();
			return {
				requests: rows.map(requestViewOf),
				next: page.next,
				/** What the filter names. */
				product: await nameOf(db, 'product', productId),
				organization: await nameOf(db, 'organization', organizationId)
			};
		})
});
