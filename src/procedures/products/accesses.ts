import { sql, type SelectQueryBuilder, type SqlBool } from 'kysely';
import type { PlanHead, ProductAccess } from '#lib/products.ts';
import { compileOnce } from '../../database/compiled.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import { nameIn } from '../../people/names.ts';
import { isAccessInForce, isOfferedTo } from './visibility.ts';

/** What applications have of products, as pages and events show it: what is granted, and what was last asked for. */

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- of whichever tables
type Pairs = SelectQueryBuilder<any, any, { applicationId: string; productId: string }>;

/** A plan that is joined under a name of its own, as an event tells of it; null where there is none. */
export const planIn = (name: string) =>
	sql<PlanHead | null>`case when ${sql.ref(`${name}.id`)} is not null then json_build_object(
		'id', ${sql.ref(`${name}.id`)}, 'name', ${sql.ref(`${name}.name`)},
		'perSecond', ${sql.ref(`${name}.perSecond`)}, 'perMonth', ${sql.ref(`${name}.perMonth`)},
		'approval', ${sql.ref(`${name}.approval`)}, 'credentialDays', ${sql.ref(`${name}.credentialDays`)}
	) end`;

/** Of these pairs of application and product, each once. */
export function selectAccesses(db: Db, pairs: Pairs) {
	return db
		.selectFrom(pairs.as('pair'))
		.innerJoin('application', 'application.id', 'pair.applicationId')
		.innerJoin('product', 'product.id', 'pair.productId')
		.leftJoin('access', (join) =>
			join
				.onRef('access.applicationId', '=', 'pair.applicationId')
				.onRef('access.productId', '=', 'pair.productId')
		)
		.leftJoin('plan as held', 'held.id', 'access.planId')
		.leftJoinLateral(
			(eb) =>
				eb
					.selectFrom('accessRequest')
					.selectAll('accessRequest')
					.select(sql<string | null>`(requested_by ->> 'id')::uuid`.as('requesterId'))
					.whereRef('accessRequest.applicationId', '=', 'pair.applicationId')
					.whereRef('accessRequest.productId', '=', 'pair.productId')
					.orderBy('accessRequest.requestedAt', 'desc')
					.limit(1)
					.as('asked'),
			(join) => join.onTrue()
		)
		.leftJoin('plan as wanted', 'wanted.id', 'asked.planId')
		.select([
			'application.id as applicationId',
			'application.name as applicationName',
			'application.organizationId',
			'product.id as productId',
			'product.slug as productSlug',
			'product.name as productName',
			sql<Date | null>`coalesce(product.retired_at, product.retires_at)`.as('retiresAt'),
			'access.id as accessId',
			'access.grantedAt',
			'access.endsAt',
			'access.endReason',
			'asked.id as requestId',
			'asked.askedFor',
			'asked.message',
			'asked.status',
			'asked.reason',
			'asked.requesterId',
			'asked.requestedBy',
			'asked.requestedAt',
			'asked.decidedBy',
			'asked.decidedAt'
		])
		.select([planIn('held').as('heldPlan'), planIn('wanted').as('wantedPlan')])
		.select(isAccessInForce.as('isInForce'))
		.select(isOfferedTo(sql.ref('application.organizationId')).as('isOffered'))
		.select(nameIn('application.organizationId', 'asked.requesterId').as('requesterName'));
}

type Row = Awaited<ReturnType<ReturnType<typeof selectAccesses>['executeTakeFirstOrThrow']>>;

/** What is granted, of a row that has it. */
export const grantedOf = (row: {
	accessId: string | null;
	heldPlan: PlanHead | null;
	grantedAt: Date | null;
	endsAt: Date | null;
	endReason: string | null;
}): ProductAccess['granted'] =>
	row.accessId && row.heldPlan && row.grantedAt
		? {
				id: row.accessId,
				plan: row.heldPlan,
				grantedAt: isoOf(row.grantedAt),
				endsAt: isoOf(row.endsAt),
				endReason: row.endReason ?? ''
			}
		: null;

/**
 * What was asked for and is not offered any more, as who asked knew it: whatever it and its plan are called since, they may
 * not see.
 */
const askedForOf = (row: Row) =>
	row.isOffered || row.status === 'approved' || (row.accessId && row.isInForce) ? null : row.askedFor;

export function accessViewOf(row: Row): ProductAccess {
	const { requestId, requestedAt, status } = row;
	const asked = askedForOf(row);
	const wantedPlan = asked?.plan ?? row.wantedPlan;
	return {
		applicationId: row.applicationId,
		applicationName: row.applicationName,
		product: { id: row.productId, slug: row.productSlug, name: row.productName, ...asked?.product },
		isOffered: row.isOffered as boolean,
		retiresAt: asked ? null : isoOf(row.retiresAt),
		granted: asked ? null : grantedOf(row),
		request:
			requestId && wantedPlan && requestedAt && status
				? {
						id: requestId,
						plan: wantedPlan,
						message: row.message ?? '',
						status,
						reason: row.reason ?? '',
						requestedBy: {
							id: row.requesterId,
							name: row.requesterName ?? row.requestedBy?.name ?? ''
						},
						requestedAt: isoOf(requestedAt),
						decidedBy: row.decidedBy && { name: row.decidedBy.name },
						decidedAt: isoOf(row.decidedAt)
					}
				: null
	};
}

/**
 * All that an organization's applications have or have asked for, in the order of {@link orderOf}; but of what is not offered to it
 * any more only what it has: what one may not see isn't there. As `isSeen` of lib/accesses.ts has it.
 */
export const selectAccessesOf = (db: Db, organizationId: string) =>
	selectAccesses(
		db,
		db
			.selectFrom('access')
			.select(['access.applicationId', 'access.productId'])
			.where('access.organizationId', '=', organizationId)
			.union(
				db
					.selectFrom('accessRequest')
					.select(['accessRequest.applicationId', 'accessRequest.productId'])
					.where('accessRequest.organizationId', '=', organizationId)
			)
	)
		.where((eb) =>
			eb.or([isOfferedTo(organizationId), sql<SqlBool>`access.id is not null and ${isAccessInForce}`])
		)
		.orderBy('application.id')
		.orderBy('product.id');

const askForPair = compileOnce((db: Db, applicationId: string, productId: string) =>
	selectAccesses(
		db,
		db
			.selectNoFrom([
				sql<string>`${applicationId}::uuid`.as('applicationId'),
				sql<string>`${productId}::uuid`.as('productId')
			])
			.$castTo<{ applicationId: string; productId: string }>()
	)
);

/** What the application has of the product; null where it has never asked. */
export async function findAccess(
	db: Db,
	applicationId: string,
	productId: string
): Promise<ProductAccess | null> {
	const [row] = await askForPair(db, applicationId, productId);
	if (!row || (!row.accessId && !row.requestId)) return null;
	return accessViewOf(row);
}

/** As {@link findAccess}, where it is known to be there. */
export async function getAccess(db: Db, applicationId: string, productId: string): Promise<ProductAccess> {
	const access = await findAccess(db, applicationId, productId);
	if (!access) throw new Error('There is no such access.');
	return access;
}

/** What these requests are about, by the request's id. */
export async function listAccessesOfRequests(
	db: Db,
	ids: readonly string[]
): Promise<Map<string, { organizationId: string; access: ProductAccess }>> {
	const pairs = db
		.selectFrom('accessRequest')
		.select(['accessRequest.applicationId', 'accessRequest.productId'])
		.where('accessRequest.id', 'in', idsIn(ids))
		.distinct();
	const rows = await selectAccesses(db, pairs).execute();
	return new Map(
		rows.flatMap((row) =>
			row.requestId
				? [[row.requestId, { organizationId: row.organizationId, access: accessViewOf(row) }] as const]
				: []
		)
	);
}
