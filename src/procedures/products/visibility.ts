import { sql, type RawBuilder, type SqlBool } from 'kysely';

/**
 * Who may see a product. What one may not see isn't there: not in a list or a search, an e-mail, an event or an export. Every
 * query of products for others than portal admins passes here, and so does whatever hangs on a product.
 */

/** Also from its announced day on. */
export const isRetired = sql<SqlBool>`(product.status = 'retired' or coalesce(product.retires_at <= now(), false))`;

const isApproved = sql`organization.status = 'approved' and not organization.is_personal`;

/** What was given stays visible to whom it was given, also where the product is for others by now, or retired. */
const hasAccess = (where: ReturnType<typeof sql>) => sql<SqlBool>`exists (
	select from access
	join organization on organization.id = access.organization_id
	where access.product_id = product.id and organization.status = 'approved'
		and coalesce(access.ends_at > now(), true) and ${where}
)`;

const isChosen = (where: ReturnType<typeof sql>) => sql<SqlBool>`exists (
	select from product_organization
	join organization on organization.id = product_organization.organization_id
	where product_organization.product_id = product.id and ${isApproved} and ${where}
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
	const isMember = sql`exists (
		select from membership where membership.organization_id = organization.id and membership.user_id = ${userId}::uuid
	)`;
	return sql<SqlBool>`(product.status <> 'draft' and (
		not ${isRetired} and (product.visibility <> 'organizations' or ${isChosen(isMember)})
		or ${hasAccess(isMember)}
	))`;
}

/** Whether the organization may ask for access to `product`; its id, or a column of the query that is not `organization.id`. */
export const isOfferedTo = (organizationId: string | RawBuilder<string>) => {
	const isIt = sql`organization.id = ${typeof organizationId === 'string' ? sql`${organizationId}::uuid` : organizationId}`;
	return sql<SqlBool>`(product.status = 'published' and not ${isRetired}
		and (product.visibility <> 'organizations' or ${isChosen(isIt)}))`;
};
