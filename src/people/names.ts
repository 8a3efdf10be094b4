import { sql, type RawBuilder } from 'kysely';

/**
 * The one name that an organization knows a person by, whatever they are called elsewhere: that of their membership, also
 * after they have gone or deleted their account. Of who never was a member it is the account's; null where nothing is
 * known.
 *
 * @param organizationId @param userId columns of the query, such as `application.created_by`.
 */
export const nameIn = (organizationId: string, userId: string): RawBuilder<string | null> => sql<
	string | null
>`
	coalesce(
		(
			select nullif(member_name.name, '') from member_name
			where member_name.organization_id = ${sql.ref(organizationId)} and member_name.user_id = ${sql.ref(userId)}
		),
		(
			select coalesce(nullif(btrim(named.first_name || ' ' || named.last_name), ''), named.email)
			from account as named where named.id = ${sql.ref(userId)}
		)
	)`;

/** The person with the name that {@link nameIn} found. */
export const personOf = (id: string | null, name: string | null): { id: string; name: string } | null =>
	id === null || name === null ? null : { id, name };
