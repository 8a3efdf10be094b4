import { sql, type Kysely } from 'kysely';

/** Code points that fonts leave out (Unicode 16, Default_Ignorable_Code_Point). */
const ignorable = [
	'\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f',
	'\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8',
	'\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff'
].join('');

export async function up(db: Kysely<unknown>): Promise<void> {
	// What two names have in common that look the same: what nobody sees is left out.
	await sql`
		create function seen_name(name text) returns text immutable language sql as $$
			select btrim(regexp_replace(
				lower(regexp_replace(normalize(name, NFKC), ${sql.lit(`[${ignorable}]`)}, '', 'g')), '\\s+', ' ', 'g'
			))
		$$`.execute(db);

	// Keys from before that was so. Of several organizations that would have the same now, the one that has it already
	// keeps it, or else the first that asked gets it; the others stay as they are.
	await sql`
		update organization set name_key = seen_name(name_key), near_key = seen_name(near_key)
		where not is_personal and id in (
			select distinct on (key) id
			from (
				select id, requested_at, name_key, seen_name(name_key) as key
				from organization
				where not is_personal and status in ('pending', 'approved', 'suspended')
			) as active
			order by key, name_key <> key, requested_at, id
		) and seen_name(name_key) not in (name_key, '')`.execute(db);
	await sql`
		update organization set name_key = seen_name(name_key), near_key = seen_name(near_key)
		where not is_personal and status not in ('pending', 'approved', 'suspended')
			and seen_name(name_key) not in (name_key, '')`.execute(db);

	// The same for applications, but for those that look like an older one of their organization.
	await sql`alter table application add column is_alike boolean not null default false`.execute(db);
	await sql`
		update application set is_alike = true
		where id not in (
			select distinct on (organization_id, seen_name(name)) id from application
			order by organization_id, seen_name(name), created_at, id
		)`.execute(db);
	await sql`
		create unique index application_seen_name on application (organization_id, seen_name(name))
		where not is_alike`.execute(db);
}
