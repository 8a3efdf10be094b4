import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Whether a gateway asks about API products alone, also once none of those it stood in front of is left.
	await sql`alter table gateway add column is_products_only boolean not null default false`.execute(db);
	await sql`
		update gateway set is_products_only = true
		where exists (select from gateway_product where gateway_id = gateway.id)`.execute(db);
}
