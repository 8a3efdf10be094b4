import { sayMinute } from './dates.ts';
import { sentence } from './direction.ts';
import { sayNumber } from './numbers.ts';
import type { Plan, PlanHead, ProductHead, RequestStatus } from './products.ts';
import { isGranted, type ProductAccess } from './products.ts';
import type { Credential, Status } from './views.ts';

/** Who may call which product: what the portal admins decide about, and where a person can ask. */

/** How portal admins see a request. */
export type AccessRequest = {
	id: string;
	organization: { id: string; name: string; status: Status };
	application: { id: string; name: string; isDeleted: boolean };
	product: ProductHead & { isRetired: boolean };
	/** Whether the organization can see it and ask for it now. */
	isOffered: boolean;
	plan: PlanHead & { isClosed: boolean };
	message: string;
	status: RequestStatus;
	reason: string;
	requestedBy: { id: string | null; name: string };
	requestedAt: string;
	decidedBy: { name: string } | null;
	decidedAt: string | null;
	/** What the application has of the product; of requests that were approved, only at the latest. */
	granted: ProductAccess['granted'];
};

/** How many requests one call decides about. */
export const decidedAtOnce = 50;

/** For how long an access may go on whose end is set, in days. */
export const endsWithinDays = 365;

/** Why a request can't be approved now, in words; null where it can. */
export function sayObstacle({
	organization,
	product,
	isOffered
}: {
	organization: { name: string; status: Status };
	product: { name: string; isRetired: boolean };
	isOffered: boolean;
}): string | null {
	if (organization.status !== 'approved') return sentence`${organization.name} is ${organization.status}.`;
	if (product.isRetired) return sentence`${product.name} is retired.`;
	return isOffered
		? null
		: sentence`${organization.name} can’t see this API product any more. Choose it on the product’s page first, or reject the request.`;
}

/** Of a request that waits no longer: who was faster, and when. */
export function sayDecided(request: {
	status: RequestStatus;
	decidedBy: { name: string } | null;
	decidedAt: string | null;
}): string {
	const who = request.decidedBy ? ` by ${request.decidedBy.name}` : '';
	const when = request.decidedAt ? ` at ${sayMinute(request.decidedAt)}` : '';
	return sentence`This request is ${request.status} already${who}${when}.`;
}

/** Where a person can ask for access to a product: an organization, and what its applications have of it. */
export type AccessPlace = {
	/** `canAsk`: whether the organization is offered it, and leaves asking to this person. */
	organization: { id: string; slug: string; name: string; isOffered: boolean; canAsk: boolean };
	applications: { id: string; name: string; access: ProductAccess | null }[];
};

/** The credentials that open a product now, of one application that has access, for somebody who may reveal them. */
export type OpeningKeys = {
	organization: { id: string; slug: string; name: string };
	application: { id: string; name: string };
	/** When the access ends; null where no end is set. */
	endsAt: string | null;
	/** The newest first. */
	credentials: Credential[];
};

/** What can be asked for: the plans that take new applications, in the order in which they are shown. */
export type AccessOffer = {
	product: ProductHead & { isRetired: boolean };
	plans: Plan[];
	places: AccessPlace[];
};

/** How old a new credential of the application may become, in days, by the strictest plan of what it opens; 0 for any age. */
export function strictestDays(accesses: readonly ProductAccess[], now: number): number {
	const days = accesses
		.filter((one) => isGranted(one, now))
		.flatMap(({ granted }) => granted?.plan.credentialDays || []);
	return days.length > 0 ? Math.min(...days) : 0;
}

const sayDays = (days: number) => (days === 1 ? 'a day' : `${sayNumber(days)} days`);

/** How old credentials may be that open a product, by its plan. */
export const sayAge = ({ credentialDays }: Pick<PlanHead, 'credentialDays'>): string =>
	credentialDays > 0 ? `credentials up to ${sayDays(credentialDays)} old` : 'credentials of any age';

export const sayStrictest = (days: number): string =>
	`A credential of this application works for ${sayDays(days)} at most, by the plan of an API that it opens.`;

/** Whether the organization sees it at all: what isn't offered to it any more only while it has it. */
export const isSeen = (access: ProductAccess, now: number): boolean =>
	access.isOffered !== false || isGranted(access, now);

/** In the order in which a snapshot holds them: whatever changes names moves nothing. */
export const orderOf = ({ applicationId, product }: ProductAccess): string =>
	`${applicationId} ${product.id}`;

/** The accesses with this one in place of that of the same application and product, if it is seen. */
export function withAccess(
	all: readonly ProductAccess[],
	access: ProductAccess,
	now: number
): ProductAccess[] {
	const key = orderOf(access);
	const others = all.filter((one) => orderOf(one) !== key);
	return [...others, ...(isSeen(access, now) ? [access] : [])].toSorted((one, other) =>
		orderOf(one) < orderOf(other) ? -1 : 1
	);
}
