import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// How much one person and one organization may change within a minute, and how many applications one may hold.
	await sql`
		alter table portal
			add column changes_per_person integer not null default 600
				check (changes_per_person between 60 and 100000),
			add column changes_per_organization integer not null default 2400
				check (changes_per_organization between 60 and 100000),
			add column max_applications integer not null default 100
				check (max_applications between 1 and 10000)`.execute(db);
}
