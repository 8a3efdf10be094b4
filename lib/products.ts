import { sayDay } from './dates.ts';
import { sayNumber } from './numbers.ts';

/** What the provider offers to organizations, by which plans, and what an application may call of it. */

export const productStatuses = ['draft', 'published', 'retired'] as const;
export type ProductStatus = (typeof productStatuses)[number];
export const productStatusLabels: Record<ProductStatus, string> = {
	draft: 'Draft',
	published: 'Published',
	retired: 'Retired'
};

export const visibilities = ['everyone', 'developers', 'organizations'] as const;
export type Visibility = (typeof visibilities)[number];
export const visibilityLabels: Record<Visibility, string> = {
	everyone: 'Everyone, also signed out',
	developers: 'Signed-in developers',
	organizations: 'Chosen organizations'
};

export const approvals = ['automatic', 'manual'] as const;
export type Approval = (typeof approvals)[number];
export const approvalLabels: Record<Approval, string> = {
	automatic: 'At once',
	manual: 'By the API provider'
};

export const requestStatuses = ['pending', 'approved', 'rejected', 'withdrawn'] as const;
export type RequestStatus = (typeof requestStatuses)[number];

/** What an event says of a product. */
export type ProductHead = { id: string; slug: string; name: string };

/** What an event says of a plan. Limits are those of one application with the product; 0 for any number. */
export type PlanHead = {
	id: string;
	name: string;
	perSecond: number;
	perMonth: number;
	approval: Approval;
	/** How old a credential may be that opens the product, in days; 0 for any age. */
	credentialDays: number;
};

export type Plan = PlanHead & {
	text: string;
	position: number;
	/** Since when nobody new gets it. */
	closedAt: string | null;
};

/** What consumers see of a product. */
export type Product = ProductHead & {
	summary: string;
	description: string;
	contact: string;
	status: ProductStatus;
	/** Of a published one: from when on it is retired. */
	retiresAt: string | null;
	visibility: Visibility;
	publishedAt: string | null;
	retiredAt: string | null;
	/** In the order in which they are shown. */
	plans: Plan[];
};

/** What a list shows of a product. */
export type ProductRow = Pick<
	Product,
	'id' | 'slug' | 'name' | 'summary' | 'status' | 'retiresAt' | 'visibility'
> & { planCount: number };

/** What the portal's admins see of a product. */
export type AdminProduct = Omit<Product, 'plans'> & {
	createdBy: { name: string };
	createdAt: string;
	/** `isUsed`: whether anybody has or had access by it, or has asked for it. */
	plans: (Plan & { isUsed: boolean })[];
	/** All gateways that work, and whether they stand in front of it. */
	gateways: { id: string; name: string; isServing: boolean }[];
	/** How many organizations were chosen to see it. */
	organizationCount: number;
	/** How many applications have access at this moment. */
	accessCount: number;
};

/** What an application has of a product, and what was last asked for it; one of them at least is there. */
export type ProductAccess = {
	applicationId: string;
	applicationName: string;
	product: ProductHead;
	/** Whether the organization can see it and ask for it; absent of what older versions wrote. */
	isOffered?: boolean;
	/** Since when, or from when on, it is retired; null where it goes on, absent of what older versions wrote. */
	retiresAt?: string | null;
	granted: {
		/** By which the plan's limits count; it stays when the plan changes. */
		id: string;
		plan: PlanHead;
		grantedAt: string;
		/** In the past where it has ended. */
		endsAt: string | null;
		endReason: string;
	} | null;
	request: {
		id: string;
		plan: PlanHead;
		message: string;
		status: RequestStatus;
		/** Why it was rejected. */
		reason: string;
		requestedBy: { id: string | null; name: string };
		requestedAt: string;
		decidedBy: { name: string } | null;
		decidedAt: string | null;
	} | null;
};

/** What the teams that call a product are told of its end; `at`: the announced day. */
export type Retirement = { is: 'announced' | 'retired' | 'kept'; at: string | null };

/** “is retired on 1 December 2026”, behind the name of the product. */
export function sayRetirement({ is, at }: Retirement): string {
	if (is === 'retired') return 'is retired';
	if (is === 'kept' || !at) return 'goes on';
	return `is retired on ${sayDay(at)}`;
}

/** Whether it opens the product at this moment. */
export const isGranted = ({ granted }: Pick<ProductAccess, 'granted'>, now: number): boolean =>
	granted !== null && (granted.endsAt === null || Date.parse(granted.endsAt) > now);

const sayRequests = (number: number) => `${sayNumber(number)} ${number === 1 ? 'request' : 'requests'}`;

/** “10 requests a second, 50,000 a month”, or that there is no limit. */
export function sayPlanLimits({ perSecond, perMonth }: Pick<PlanHead, 'perSecond' | 'perMonth'>): string {
	if (perSecond && perMonth) return `${sayRequests(perSecond)} a second, ${sayNumber(perMonth)} a month`;
	if (perSecond) return `${sayRequests(perSecond)} a second`;
	return perMonth ? `${sayRequests(perMonth)} a month` : 'any number of requests';
}

/** “, credentials up to 30 days old” behind what else a plan says; '' where they may have any age. */
export function sayCredentialAge({ credentialDays }: Pick<PlanHead, 'credentialDays'>): string {
	if (credentialDays === 0) return '';
	return `, credentials up to ${sayNumber(credentialDays)} ${credentialDays === 1 ? 'day' : 'days'} old`;
}
