import { sql, type RawBuilder, type SqlBool } from 'kysely';

/**
 * Who may see a product. What one may not see isn't there: not in a list or a search, an e-mail, an event or an export. Every
 * query of products for others than portal admins passes here, and so does whatever hangs on a product.
 *
 * What depends on a person is asked as a set of products, which is found once, however many products a list looks through.
 */

/** Also from its announced day on. */
export const isRetired = sql<SqlBool>`(product.status = 'retired' or coalesce(product.retires_at <= now(), false))`;

/** Whether `access` is not over yet, by the clock of the database. */
export const isAccessInForce = sql<boolean>`coalesce(access.ends_at > now(), true)`;

const isApproved = sql`organization.status = 'approved' and not organization.is_personal`;

/** The organizations of a person; those of a company that is suspended see nothing. */
const ownOf = (userId: string) =>
	sql`membership join organization on organization.id = membership.organization_id and membership.user_id = ${userId}::uuid`;

/** What was given stays visible to whom it was given, also where the product is for others by now, or retired. */
const hasAccess = (userId: string) => sql<SqlBool>`product.id in (
	select access.product_id
	from ${ownOf(userId)}
	join access on access.organization_id = organization.id
	where organization.status = 'approved' and ${isAccessInForce}
)`;

const isChosen = (userId: string) => sql<SqlBool>`product.id in (
	select product_organization.product_id
	from ${ownOf(userId)}
	join product_organization on product_organization.organization_id = organization.id
	where ${isApproved}
)`;

export interface Viewer {
	/** Null without a session. */
	userId: string | null;
	isPortalAdmin: boolean;
}

/** Whether the person may see `product`; as a condition of a query that has that table. */
export function isVisibleTo({ userId, isPortalAdmin }: Viewer) {
	if (isPortalAdmin) return sql<SqlBool>`true`;
	if (!userId)
		return sql<SqlBool>`(product.status = 'published' and not ${isRetired} and product.visibility = 'everyone')`;
	return sql<SqlBool>`(product.status <> 'draft' and (
		not ${isRetired} and (product.visibility <> 'organizations' or ${isChosen(userId)})
		or ${hasAccess(userId)}
	))`;
}

/** Whether the organization may ask for access to `product`; its id, or a column of the query that is not `organization.id`. */
export const isOfferedTo = (organizationId: string | RawBuilder<string>) => {
	const id = typeof organizationId === 'string' ? sql`${organizationId}::uuid` : organizationId;
	return sql<SqlBool>`(product.status = 'published' and not ${isRetired} and (
		product.visibility <> 'organizations' or product.id in (
			select product_organization.product_id
			from product_organization
			join organization on organization.id = product_organization.organization_id
			where organization.id = ${id} and ${isApproved}
		)
	))`;
};
