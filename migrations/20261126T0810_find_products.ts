import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What lists of products are searched by and sorted by.
	await sql`
		alter table product
			add column search_key text not null generated always as (
				search_key(name) || E'\\n' || search_key(summary) || E'\\n' || slug
			) stored,
			add column name_key text not null generated always as (seen_name(name)) stored`.execute(db);
	await sql`create index product_name_key on product (name_key, id)`.execute(db);

	// Whoever has access by a plan is told of its changed limits one organization after the other: what is not told yet.
	await sql`
		alter table plan
			add column limits_changed_at timestamptz not null default now(),
			add column is_telling boolean not null default false`.execute(db);
	await sql`alter table access add column limits_told_at timestamptz not null default clock_timestamp()`.execute(
		db
	);
}
