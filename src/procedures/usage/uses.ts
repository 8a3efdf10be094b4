import type { LastUses } from '#lib/usage.ts';
import { sql } from 'kysely';
import { isoOf, type Db } from '../../database/database.ts';
import { gather } from '../../database/gathering.ts';
import { idsIn, textsIn } from '../../database/sets.ts';

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

/**
 * Notes at once that a credential is being used, by its id and the gateway's with a space between them. What is counted is
 * written some seconds later, and until then no other process knows of it: of a credential that was not used for long, that
 * would be too late for whoever is about to revoke all of those.
 */
export const noteUse = gather(async (db, uses) => {
	await sql`
		with given as (
			select split_part(value, ' ', 1)::uuid as id, split_part(value, ' ', 2)::uuid as gateway_id
			from ${textsIn(uses)} as one
		), known as (
			select id from credential where id in (select id from given) order by id for key share
		)
		insert into credential_use (credential_id, used_at, gateway_id)
		select distinct on (known.id) known.id, now(), given.gateway_id from known join given on given.id = known.id
		order by known.id
		on conflict (credential_id) do update set
			used_at = greatest(credential_use.used_at, excluded.used_at), gateway_id = excluded.gateway_id`.execute(db);
	return new Map<string, never>();
});
