import type { PlanHead, ProductAccess } from './products.ts';
import type { Credential } from './views.ts';

/** How old credentials may become, by the plans of what they open. */

/** From when on a credential is too old for the plan, in milliseconds since 1970; Infinity where any age will do. */
export const agedAt = (createdAt: string | Date, { credentialDays }: Pick<PlanHead, 'credentialDays'>) =>
	credentialDays > 0 ? new Date(createdAt).getTime() + credentialDays * 86_400_000 : Infinity;

/** Whether it is time to rotate what is too old from then on, by milliseconds since 1970. */
export const isSoon = (at: number, now: number) => at < now + 30 * 86_400_000;

/**
 * From when on the credential is too old for the plan by which the application has the product, though both go on, in
 * milliseconds since 1970; null where that doesn't come. What ends in the same minute ends, and is said as that.
 */
export function agedOutAt(
	{ createdAt, expiresAt }: Pick<Credential, 'createdAt' | 'expiresAt'>,
	{ granted }: Pick<ProductAccess, 'granted'>
): number | null {
	if (!granted) return null;
	const at = agedAt(createdAt, granted.plan);
	const ends = [expiresAt, granted.endsAt].map((one) => (one === null ? Infinity : Date.parse(one)));
	return at < Math.min(...ends) - 60_000 ? at : null;
}
