import { sql, type Kysely } from 'kysely';

/** What the list of people of a large organization is searched and sorted by, made when the row is written. */
export async function up(db: Kysely<unknown>): Promise<void> {
	// By code points, as pages compare them too. Empty where a member has no name: their address stands in its place.
	await sql`
		alter table membership add column name_key text collate "C" not null
		generated always as (search_key(first_name || ' ' || last_name)) stored`.execute(db);
	await sql`
		alter table invitation add column name_key text collate "C" not null
		generated always as (search_key(first_name || ' ' || last_name)) stored`.execute(db);
}
