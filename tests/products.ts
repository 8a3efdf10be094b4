import { unique, type Portal } from './factories.ts';

/** API products and their plans, as a portal admin makes them. */

type Api = Portal['admin']['api'];
type Given = Partial<Parameters<Api['products']['create']['mutate']>[0]>;
type PlanGiven = Partial<Parameters<Api['plans']['create']['mutate']>[0]>;

export const slugOf = (name: string) => name.toLowerCase().replaceAll(' ', '-');

export function productValues(given: Given = {}) {
	const { name = unique('Product') } = given;
	return {
		slug: slugOf(name),
		summary: 'Says something about it.',
		description: '',
		contact: '',
		visibility: 'everyone' as const,
		...given,
		name
	};
}

/** A draft. */
export const createProduct = ({ admin }: Pick<Portal, 'admin'>, given: Given = {}) =>
	admin.api.products.create.mutate(productValues(given));

export async function publishProduct(portal: Pick<Portal, 'admin'>, given: Given = {}) {
	const { id } = await createProduct(portal, given);
	return portal.admin.api.products.publish.mutate({ productId: id });
}

export const planValues = (given: PlanGiven = {}) => ({
	name: unique('Plan'),
	text: '',
	perSecond: 10,
	perMonth: 1000,
	approval: 'automatic' as const,
	credentialDays: 0,
	...given
});

export const createPlan = ({ admin }: Pick<Portal, 'admin'>, productId: string, given: PlanGiven = {}) =>
	admin.api.plans.create.mutate({ ...planValues(given), productId });

/** Access of an application by a plan, as a row. */
export const giveAccess = (
	{ inDatabase }: Pick<Portal, 'inDatabase'>,
	given: {
		organizationId: string;
		applicationId: string;
		productId: string;
		planId: string;
		endsAt?: Date;
	}
) =>
	inDatabase((db) =>
		db
			.insertInto('access')
			.values({ endsAt: null, ...given })
			.execute()
	);
