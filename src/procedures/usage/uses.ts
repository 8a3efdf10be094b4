import type { LastUses } from '#lib/usage.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';

/** When these credentials were last let in, and by which gateway. */
export async function listLastUses(db: Db, ids: string[]): Promise<LastUses> {
	if (ids.length === 0) return {};
	const rows = await db
		.selectFrom('credentialUse')
		.leftJoin('gateway', 'gateway.id', 'credentialUse.gatewayId')
		.select(['credentialId', 'usedAt', 'gateway.name'])
		.where('credentialId', 'in', idsIn(ids))
		.execute();
	const uses = new Map(
		rows.map(({ credentialId, usedAt, name }) => [
			credentialId,
			usedAt && { at: isoOf(usedAt), gateway: name }
		])
	);
	return Object.fromEntries(ids.map((id) => [id, uses.get(id) ?? null]));
}
