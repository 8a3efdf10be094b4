import type { Approval, Visibility } from '#lib/products.ts';
import { unique, type Company, type Portal } from './factories.ts';

/** API products as rows, for tests of what is asked for rather than of what is offered. */

type GivenPlan = {
	name: string;
	approval?: Approval;
	credentialDays?: number;
	perSecond?: number;
	perMonth?: number;
};

/** A published product with its plans, in the order in which they are given. */
export async function insertProduct(
	portal: Portal,
	given: { name?: string; visibility?: Visibility; for?: Pick<Company, 'id'>[]; plans?: GivenPlan[] } = {}
) {
	const { name = unique('API'), visibility = given.for ? 'organizations' : 'developers' } = given;
	const { plans = [{ name: 'Trial', approval: 'automatic' }, { name: 'Business' }] } = given;
	const slug = name.toLowerCase().replace(/[^a-z\d]+/g, '-');
	return portal.inDatabase(async (db) => {
		const { id } = await db
			.insertInto('product')
			.values({
				slug,
				name,
				visibility,
				status: 'published',
				createdBy: { id: null, name: 'Portico', kind: 'system' },
				publishedAt: new Date()
			})
			.returning('id')
			.executeTakeFirstOrThrow();
		if (given.for && given.for.length > 0) {
			const chosen = given.for.map((one) => ({ productId: id, organizationId: one.id }));
			await db.insertInto('productOrganization').values(chosen).execute();
		}
		const made: Record<string, string> = {};
		for (const [position, plan] of plans.entries()) {
			const row = await db
				.insertInto('plan')
				.values({ approval: 'manual', ...plan, productId: id, position })
				.returning('id')
				.executeTakeFirstOrThrow();
			made[plan.name] = row.id;
		}
		return { id, slug, name, plans: made };
	});
}
export type Offered = Awaited<ReturnType<typeof insertProduct>>;
