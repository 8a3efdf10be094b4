import { sayKeyLimit, type Identity, type Opened } from '#lib/checking.ts';
import type { Quotas } from '#lib/quotas.ts';
import type { LimitState } from './holdings.ts';
import type { Limit } from './shares.ts';

/** The limits that one request counts under, also those of the plan by which it calls a product. */
export const limitsOf = (
	{ credential, application }: Identity,
	quotas: Quotas,
	opened: Opened | null
): Limit[] => [
	{ subject: credential.id, span: 'second', most: quotas.credentialPerSecond, name: 'credential-second' },
	{ subject: credential.id, span: 'month', most: quotas.credentialPerMonth, name: 'credential-month' },
	{ subject: application.id, span: 'second', most: quotas.applicationPerSecond, name: 'application-second' },
	{ subject: application.id, span: 'month', most: quotas.applicationPerMonth, name: 'application-month' },
	...(opened ? limitsOfPlan(opened) : [])
];

const limitsOfPlan = ({ accessId, plan }: Opened): Limit[] => [
	{ subject: accessId, span: 'second', most: plan.perSecond, name: 'plan-second' },
	{ subject: accessId, span: 'month', most: plan.perMonth, name: 'plan-month' }
];

/** Which of the limits above is reached, in words for whoever called the API. */
export const sayLimit = (limit: Limit, identity: Identity, opened: Opened | null): string =>
	sayKeyLimit(
		opened && limit.subject === opened.accessId
			? opened
			: limit.subject === identity.credential.id
				? 'key'
				: 'application',
		limit
	);

const month = { endsAt: 0, seconds: 0 };
/** How long this month is. */
function monthSeconds(): number {
	if (Date.now() < month.endsAt) return month.seconds;
	const now = new Date();
	const [began, endsAt] = [0, 1].map((next) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + next));
	Object.assign(month, { endsAt, seconds: ((endsAt ?? 0) - (began ?? 0)) / 1000 });
	return month.seconds;
}

/**
 * What a caller may do under these limits, and what is left of it, as headers: RateLimit-Policy and RateLimit
 * (draft-ietf-httpapi-ratelimit-headers-10, lists of structured fields, RFC 9651). None where nothing is limited.
 */
export function rateLimitHeaders(limits: readonly LimitState[]): Record<string, string> {
	if (limits.length === 0) return {};
	let policies = '';
	let states = '';
	for (const { span, name, most, left, resetsIn } of limits) {
		const comma = policies && ', ';
		policies += `${comma}"${name}";q=${most};w=${span === 'second' ? 1 : monthSeconds()}`;
		states += `${comma}"${name}";r=${left};t=${resetsIn}`;
	}
	return { 'ratelimit-policy': policies, ratelimit: states };
}
