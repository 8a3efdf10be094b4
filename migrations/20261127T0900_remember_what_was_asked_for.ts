import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// The product and the plan as who asked knew them: what they are called later may be nothing that they may see.
	await sql`alter table access_request add column asked_for jsonb`.execute(db);
	await sql`
		update access_request set asked_for = json_build_object(
			'product', json_build_object('slug', product.slug, 'name', product.name),
			'plan', json_build_object(
				'id', plan.id, 'name', plan.name, 'perSecond', plan.per_second, 'perMonth', plan.per_month,
				'approval', plan.approval, 'credentialDays', plan.credential_days
			)
		)
		from product, plan
		where product.id = access_request.product_id and plan.id = access_request.plan_id
			and access_request.status = 'pending'`.execute(db);
}
