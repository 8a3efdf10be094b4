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

/** All that can happen to access, of an application that is about to go and of one that stays. */
export async function changeAccess(
	portal: Portal,
	{ id: organizationId, owner }: Company,
	{ slug: product, plans }: Offered,
	going: string,
	staying: string
) {
	const { request, withdraw, endOwn } = owner.api.accesses;
	const { approve, reject, end, cancelEnd } = portal.admin.api.accesses;
	const ask = (applicationId: string, plan: string) =>
		request.mutate({ organizationId, applicationId, product, planId: plans[plan] ?? '' });
	const requestId = async (applicationId: string) => (await ask(applicationId, 'Business')).request?.id ?? '';
	const place = { organizationId, accessId: (await ask(staying, 'Trial')).granted?.id ?? '' };
	await reject.mutate({ requestId: await requestId(staying), reason: 'Not yet.' });
	await withdraw.mutate({ organizationId, requestId: await requestId(staying) });
	await approve.mutate({ requestId: await requestId(staying) });
	await end.mutate({ ...place, inDays: 30 });
	await cancelEnd.mutate(place);
	const gone = await ask(going, 'Trial');
	await endOwn.mutate({ organizationId, accessId: gone.granted?.id ?? '' });
	await requestId(going);
}
