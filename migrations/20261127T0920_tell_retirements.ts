import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// The teams that have access to a product are told of its end, one organization after the other: what each was told last
	// stands at its access, in the form that `retirementKey` of src/procedures/products/views.ts has.
	await sql`
		alter table product
			add column is_telling boolean not null default false,
			add column changed_by jsonb`.execute(db);
	await sql`create index product_telling on product (id) where is_telling`.execute(db);
	await sql`alter table access add column retirement_told text not null default ''`.execute(db);
	await sql`
		update access set retirement_told = case
			when product.status = 'retired' then 'retired'
			else 'announced ' || extract(epoch from product.retires_at)::text
		end
		from product
		where product.id = access.product_id and (product.status = 'retired' or product.retires_at is not null)`.execute(
		db
	);
}
