import { type LastUses, silentDays } from '#lib/usage.ts';
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

/** Credentials that nobody has used for long, and replaced ones that somebody goes on using. */

/**
 * Whether a credential works and has not been let in for so long, as far as that was counted: where counting began later,
 * nobody can know, and none is silent.
 */
export const isSilent = sql<boolean>`(
	credential.revoked_at is null
	and (credential.expires_at is null or credential.expires_at > now())
	and credential.created_at < now() - make_interval(days => ${sql.lit(silentDays)})
	and not exists (
		select from credential_use
		where credential_use.credential_id = credential.id
			and credential_use.used_at >= now() - make_interval(days => ${sql.lit(silentDays)})
	)
	and exists (
		select from usage_watch where span = 'day' and at <= now() - make_interval(days => ${sql.lit(silentDays)})
	)
)`;
