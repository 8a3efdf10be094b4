import { sayNumber } from './numbers.ts';
import type { PlanHead, ProductHead } from './products.ts';

/** What becomes of a key that a gateway asks about. */

/** Whose key it is. */
export type Identity = {
	credential: { id: string; label: string; createdAt: string; expiresAt: string | null };
	application: { id: string; name: string };
	organization: { id: string; name: string };
};

/** What lets an application call a product. */
export type Opened = {
	/** By which the plan's limits count. */
	accessId: string;
	product: ProductHead;
	plan: Pick<PlanHead, 'name' | 'perSecond' | 'perMonth'>;
};

/**
 * Why a key is refused: 401 where the key itself is no good, 403 where whoever holds it is not let in, 429 where there were
 * too many requests with it. `said` is told to whoever called the API with it; of a limit, {@link sayKeyLimit} has more.
 */
export const refusedKeys = {
	mistyped: { status: 401, said: 'This is not a key of ours: it is mistyped, or a part of it is missing.' },
	unknown: { status: 401, said: 'There is no such key, or it has been deleted.' },
	revoked: { status: 401, said: 'This key has been revoked.' },
	rotated: { status: 401, said: 'This key has been replaced by another one.' },
	expired: { status: 401, said: 'This key has expired.' },
	organization: { status: 403, said: 'The organization that this key belongs to is not active.' },
	account: { status: 403, said: 'The account that this key belongs to is not active.' },
	access: { status: 403, said: 'The application of this key has no access to this API.' },
	aged: { status: 401, said: 'This key is older than the plan for this API allows. Rotate it.' },
	limited: { status: 429, said: 'A limit of requests is reached.' }
} as const satisfies Record<string, { status: 401 | 403 | 429; said: string }>;
export type RefusedKey = keyof typeof refusedKeys;

/** The answer to a gateway that asks about a key, with its reason. */
export type Answer =
	| ({
			isActive: true;
			/** Null where the question names no product. */
			opened: Opened | null;
			/** The addresses of all products that the application may call, with spaces between them. */
			scope: string;
	  } & Identity)
	| { isActive: false; reason: RefusedKey; said: string; identity: Identity | null };

/** Which limit is reached: that of the key, of its application, or of the plan by which it may call a product. */
export function sayKeyLimit(
	whose: 'key' | 'application' | Opened,
	{ most, span }: { most: number; span: 'second' | 'month' }
): string {
	const limit = `${sayNumber(most)} ${most === 1 ? 'request' : 'requests'} a ${span}`;
	if (whose === 'key') return `This key has reached its limit of ${limit}.`;
	if (whose === 'application') return `The application of this key has reached its limit of ${limit}.`;
	const { plan, product } = whose;
	return `The application of this key has reached the limit of its plan “${plan.name}” for ${product.name}: ${limit}.`;
}
