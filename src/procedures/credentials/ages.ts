import { sayStrictest } from '#lib/accesses.ts';
import { fieldRefusal } from '../../api/refusals.ts';
import type { Db } from '../../database/database.ts';
import { isAccessInForce } from '../products/visibility.ts';

/** How old the application's credentials may become, in days, by the strictest plan of what it opens; null for any age. */
async function findDays(db: Db, applicationId: string): Promise<number | null> {
	const row = await db
		.selectFrom('access')
		.innerJoin('plan', 'plan.id', 'access.planId')
		.select((eb) => eb.fn.min<number | null>('plan.credentialDays').as('days'))
		.where('access.applicationId', '=', applicationId)
		.where('plan.credentialDays', '>', 0)
		.where(isAccessInForce)
		.executeTakeFirst();
	return row?.days ?? null;
}

/** When what is made now is so many days old; null for 0. */
export const dateInDays = (days: number) => (days > 0 ? new Date(Date.now() + days * 86_400_000) : null);

/**
 * When a new credential of the application ends: as its plans say where nobody says when.
 * @param life in seconds; null for as long as may be.
 * @throws {Refusal} at the field, for longer than a plan allows.
 */
export async function expiryWithin(db: Db, applicationId: string, life: number | null): Promise<Date | null> {
	const days = await findDays(db, applicationId);
	const most = days === null ? null : days * 86_400;
	if (life !== null && most !== null && life > most)
		throw fieldRefusal('expiresInSeconds', 'INVALID', sayStrictest(days ?? 0));
	const seconds = life ?? most;
	return seconds === null ? null : new Date(Date.now() + seconds * 1000);
}
