import { sql, type SqlBool } from 'kysely';

/** Whether what an organization holds works now. A personal space is as active as its owner. */
export const isHolderActive = sql<SqlBool>`(organization.status = 'approved' and (
	not organization.is_personal or exists (
		select from account where account.id = organization.requested_by and account.status = 'active'
	)
))`;
