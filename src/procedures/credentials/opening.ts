import { sql, type SqlBool } from 'kysely';
import type { OpeningKeys } from '#lib/accesses.ts';
import { can } from '#lib/policy.ts';
import { agedAt } from '#lib/ages.ts';
import { text } from '#lib/schema.ts';
import { isoOf } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import { notFound } from '../../api/refusals.ts';
import { router, userProcedure } from '../../api/trpc.ts';
import { isAccessInForce, isVisibleTo } from '../products/visibility.ts';
import { credentialViewOf, selectCredentials } from './credentials.ts';

/** Which credentials open a product, for whoever would try it with one of them. */

export const openingRouter = router({
	/**
	 * Those that this person may reveal, by the application that has access now; never a secret. An application without one
	 * that works is listed all the same: it takes but a credential.
	 * @throws {Refusal} NOT_FOUND, also for a product that this person may not see.
	 */
	listOpening: userProcedure({ product: text(100) }).query(async ({ ctx, input }): Promise<OpeningKeys[]> => {
		const { db, user } = ctx;
		const product = await db
			.selectFrom('product')
			.select('product.id')
			.where('product.slug', '=', input.product)
			.where(isVisibleTo({ userId: user.id, isPortalAdmin: user.isPortalAdmin }))
			.executeTakeFirst();
		if (!product) throw notFound();
		const holders = await db
			.selectFrom('access')
			.innerJoin('application', 'application.id', 'access.applicationId')
			.innerJoin('organization', 'organization.id', 'access.organizationId')
			.innerJoin('membership', 'membership.organizationId', 'organization.id')
			.innerJoin('plan', 'plan.id', 'access.planId')
			.select(['access.endsAt', 'application.id', 'application.name', 'plan.credentialDays'])
			.select(['organization.id as organizationId', 'organization.slug', 'organization.status'])
			.select(['organization.name as organizationName', 'membership.role'])
			.select([
				'organization.isPersonal',
				'organization.isRevealRestricted',
				'organization.isAccessRestricted'
			])
			.where('access.productId', '=', product.id)
			.where(isAccessInForce)
			.where('membership.userId', '=', user.id)
			.orderBy('organization.name')
			.orderBy('application.name')
			.orderBy('application.id')
			.execute();
		const open = holders.filter((one) => can('credentials.reveal', { role: one.role, organization: one }));
		if (open.length === 0) return [];
		const rows = await selectCredentials(db)
			.where('credential.applicationId', 'in', idsIn(open.map(({ id }) => id)))
			.where('credential.revokedAt', 'is', null)
			.where(sql<SqlBool>`coalesce(credential.expires_at > now(), true)`)
			.orderBy('credential.createdAt', 'desc')
			.orderBy('credential.id')
			.execute();
		const now = Date.now();
		return open.map(({ id, name, credentialDays, ...one }) => ({
			organization: { id: one.organizationId, slug: one.slug, name: one.organizationName },
			application: { id, name },
			endsAt: isoOf(one.endsAt),
			credentials: rows
				.filter(({ applicationId }) => applicationId === id)
				// One that is older than the plan allows opens nothing.
				.filter(({ createdAt }) => agedAt(createdAt, { credentialDays }) > now)
				.map(credentialViewOf)
		}));
	})
});
