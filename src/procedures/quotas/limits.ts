import type { Identity } from '#lib/checking.ts';
import type { Quotas } from '#lib/quotas.ts';
import type { LimitState } from './limiter.ts';
import type { Limit } from './shares.ts';

/** The limits that one request counts under. */
export const limitsOf = ({ credential, application }: Identity, quotas: Quotas): Limit[] => [
	{ subject: credential.id, span: 'second', most: quotas.credentialPerSecond, name: 'credential-second' },
	{ subject: credential.id, span: 'month', most: quotas.credentialPerMonth, name: 'credential-month' },
	{ subject: application.id, span: 'second', most: quotas.applicationPerSecond, name: 'application-second' },
	{ subject: application.id, span: 'month', most: quotas.applicationPerMonth, name: 'application-month' }
];

const daySeconds = 86_400;
function secondsOf({ span }: Limit, now: Date): number {
	if (span === 'second') return 1;
	return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 0)).getUTCDate() * daySeconds;
}

/**
 * What a caller may do under these limits, and what is left of it, as headers: RateLimit-Policy and RateLimit
 * (draft-ietf-httpapi-ratelimit-headers-10, lists of structured fields, RFC 9651). None where nothing is limited.
 */
export function rateLimitHeaders(limits: readonly LimitState[]): Record<string, string> {
	if (limits.length === 0) return {};
	const now = new Date();
	const policies = limits.map((one) => `"${one.name}";q=${one.most};w=${secondsOf(one, now)}`);
	const states = limits.map(({ name, left, resetsIn }) => `"${name}";r=${left};t=${resetsIn}`);
	return { 'ratelimit-policy': policies.join(', '), ratelimit: states.join(', ') };
}
