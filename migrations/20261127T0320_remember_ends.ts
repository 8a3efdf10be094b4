import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Whom the provider has ended a product for: the provider decides about the next request, of whichever application, whatever
	// the plan says. It outlives the access, which goes with its application.
	await sql`
		create table access_bar (
			organization_id uuid not null references organization on delete cascade,
			product_id uuid not null references product on delete cascade,
			primary key (organization_id, product_id)
		)`.execute(db);
	await sql`create index access_bar_product on access_bar (product_id)`.execute(db);
	await sql`
		insert into access_bar (organization_id, product_id)
		select distinct organization_id, product_id from access
		where ends_at is not null and ended_by ->> 'kind' = 'admin'`.execute(db);
}
