import { sayAge } from './accesses.ts';
import { sentence } from './direction.ts';
import { counting, event, harmless, uncounted } from './event.ts';
import {
	sayPlanLimits,
	type PlanHead,
	type ProductAccess,
	type ProductHead,
	type Retirement
} from './products.ts';

/** What can happen with products, and with who may call them. Of the former the portal's own team is told alone. */
type OfProduct = { product: ProductHead };
type OfPlan = OfProduct & { plan: PlanHead };
type OfAccess = { access: ProductAccess };

const asked = ({ access: { applicationName, product, request } }: OfAccess) =>
	sentence`${applicationName} to ${product.name}, plan ${request?.plan.name ?? ''}`;
const held = ({ access: { applicationName, product } }: OfAccess) =>
	sentence`${applicationName} to ${product.name}`;

export const productEvents = {
	'product.created': event(
		'portal',
		({ product }: OfProduct) => sentence`added the API product ${product.name}`,
		harmless
	),
	/** `changed`: what, in words. */
	'product.updated': event(
		'portal',
		({ product, changed }: OfProduct & { changed: string[] }) =>
			sentence`changed ${changed.join(', ')} of the API product ${product.name}`
	),
	'product.published': event(
		'portal',
		({ product }: OfProduct) => sentence`published the API product ${product.name}`
	),
	/** `at`: the announced day, or null where it is retired from now on. */
	'product.retired': event('portal', ({ product, at }: OfProduct & { at: string | null }) =>
		at
			? sentence`retires the API product ${product.name} on ${at.slice(0, 10)}`
			: sentence`retired the API product ${product.name}`
	),
	/** The announced day was taken back. */
	'product.kept': event(
		'portal',
		({ product }: OfProduct) => sentence`doesn’t retire the API product ${product.name} after all`
	),
	'product.shown': event(
		'portal',
		({ product, organization }: OfProduct & { organization: { id: string; name: string } }) =>
			sentence`chose ${organization.name} to see the API product ${product.name}`
	),
	'product.hidden': event(
		'portal',
		({ product, organization }: OfProduct & { organization: { id: string; name: string } }) =>
			sentence`no longer shows the API product ${product.name} to ${organization.name}`
	),
	/** `isServing`: whether the gateway stands in front of it from now on. */
	'product.served': event(
		'portal',
		({
			product,
			gateway,
			isServing
		}: OfProduct & { gateway: { id: string; name: string }; isServing: boolean }) =>
			isServing
				? sentence`has the gateway ${gateway.name} serve the API product ${product.name}`
				: sentence`no longer has the gateway ${gateway.name} serve the API product ${product.name}`
	),
	'product.deleted': event(
		'portal',
		({ product }: OfProduct) => sentence`deleted the draft of the API product ${product.name}`
	),
	'product.documented': event(
		'portal',
		({ product, number }: OfProduct & { number: number }) =>
			sentence`uploaded version ${number} of the documentation of ${product.name}`
	),
	'plan.created': event(
		'portal',
		({ product, plan }: OfPlan) => sentence`added the plan ${plan.name} to ${product.name}`,
		harmless
	),
	'plan.updated': event('portal', ({ product, plan, previous }: OfPlan & { previous: PlanHead }) =>
		sayPlanLimits(plan) === sayPlanLimits(previous)
			? sentence`changed the plan ${plan.name} of ${product.name}`
			: sentence`limited the plan ${plan.name} of ${product.name} to ${sayPlanLimits(plan)}`
	),
	'plan.closed': event(
		'portal',
		({ product, plan }: OfPlan) =>
			sentence`closed the plan ${plan.name} of ${product.name} to new applications`
	),
	'plan.opened': event(
		'portal',
		({ product, plan }: OfPlan) => sentence`opened the plan ${plan.name} of ${product.name} again`
	),
	'plan.deleted': event(
		'portal',
		({ product, plan }: OfPlan) => sentence`deleted the plan ${plan.name} of ${product.name}`
	),
	'access.requested': event('both', (one: OfAccess) => sentence`asked for access of ${asked(one)}`, {
		...harmless,
		...counting({ accessRequests: 1 })
	}),
	'access.withdrawn': event(
		'both',
		(one: OfAccess) => sentence`withdrew the request for access of ${asked(one)}`,
		counting({ accessRequests: -1 })
	),
	'access.approved': event(
		'both',
		(one: OfAccess) => sentence`approved access of ${asked(one)}`,
		counting({ accessRequests: -1 })
	),
	'access.rejected': event(
		'both',
		(one: OfAccess) =>
			one.access.request?.reason
				? sentence`rejected access of ${asked(one)}: ${one.access.request.reason}`
				: sentence`rejected access of ${asked(one)}`,
		counting({ accessRequests: -1 })
	),
	/** At once, or on a day that was ahead then. */
	'access.ended': event(
		'both',
		(one: OfAccess, at) => {
			const { endsAt, endReason } = one.access.granted ?? { endsAt: null, endReason: '' };
			const why = endReason && `: ${endReason}`;
			return endsAt && Date.parse(endsAt) > Date.parse(at)
				? sentence`set the end of access of ${held(one)} to ${endsAt.slice(0, 10)}${why}`
				: sentence`ended access of ${held(one)}${why}`;
		},
		uncounted
	),
	/** The end that was set is taken back before its day. */
	'access.kept': event(
		'both',
		(one: OfAccess) => sentence`took back the end of access of ${held(one)}`,
		uncounted
	),
	/** The limits of its plan were changed. */
	'access.limited': event(
		'organization',
		(one: OfAccess) =>
			sentence`changed the limits of ${one.access.applicationName} with ${one.access.product.name} to ${one.access.granted ? sayPlanLimits(one.access.granted.plan) : ''}`
	),
	/** Of a product that it has access to. */
	'access.retiring': event(
		'organization',
		({
			access: { applicationName, product },
			retirement: { is, at }
		}: OfAccess & { retirement: Retirement }) => {
			const held = sentence`${product.name}, which ${applicationName} has access to`;
			if (is === 'kept') return sentence`goes on offering ${held}`;
			return at ? sentence`retires ${held}, on ${at.slice(0, 10)}` : sentence`retired ${held}`;
		}
	),
	/** How old credentials may become by its plan was changed. `stopsAt`: when the first one is too old; null where none will be. */
	'access.aged': event('organization', (one: OfAccess & { stopsAt: string | null }) => {
		const { access, stopsAt } = one;
		const stop = stopsAt && `; the first one is too old from ${stopsAt.slice(0, 10)} on`;
		return sentence`takes ${access.granted ? sayAge(access.granted.plan) : ''} for access of ${held(one)}${stop ?? ''}`;
	})
};
