import { sql } from 'kysely';
import type { Db } from '../../../src/database/database.ts';
import { createToken, hashToken } from '../../../src/identity/tokens.ts';

/** People with a session and a personal space, all in one company or each in their own. */

export interface Watcher {
	userId: string;
	sessionId: string;
	cookie: string;
	organizationId: string;
}

/** Companies without anybody. */
export async function insertCompanies(db: Db, word: string, count: number): Promise<string[]> {
	const { rows } = await sql<{ id: string }>`
		insert into organization (slug, name, name_key, near_key, status, decided_at)
		select ${word} || '-' || i, ${word} || ' ' || i, ${word} || ' ' || i, ${word} || i, 'approved', now()
		from generate_series(1, ${sql.lit(count)}) i
		returning id`.execute(db);
	return rows.map(({ id }) => id);
}

/** Somebody in each of these companies, in their order. */
export async function insertWatchers(db: Db, word: string, organizationIds: string[]): Promise<Watcher[]> {
	const people = organizationIds.map((organizationId, n) => {
		const token = createToken();
		return { n, organizationId, token, sessionId: hashToken(token) };
	});
	const given = JSON.stringify(people.map(({ token: _, ...one }) => one));
	const { rows } = await sql<{ n: number; userId: string }>`
		with given as (
			select n, "organizationId"::uuid as organization_id, "sessionId" as session_id, gen_random_uuid() as user_id,
				gen_random_uuid() as space_id
			from jsonb_to_recordset(${given}::text::jsonb) as one (n int, "organizationId" text, "sessionId" text)
		), accounts as (
			insert into account (id, email, password_hash, first_name, last_name, email_verified_at, last_seen_at)
			select user_id, ${word} || n || '@people.test', 'none', 'Person', 'No ' || n, now(), now() from given
		), spaces as (
			insert into organization (id, slug, name, name_key, status, is_personal, requested_by)
			select space_id, 'personal-' || ${word} || n, 'Personal space', 'personal space', 'approved', true, user_id
			from given
		), memberships as (
			insert into membership (organization_id, user_id, first_name, last_name, role)
			select organization_id, user_id, 'Person', 'No ' || n, 'team_member' from given
			union all
			select space_id, user_id, 'Person', 'No ' || n, 'super_admin' from given
		), sessions as (
			insert into session (id, user_id, expires_at)
			select session_id, user_id, now() + interval '20 days' from given
		)
		select n, user_id from given order by n`.execute(db);
	return people.map(({ n, token, sessionId, organizationId }) => ({
		userId: rows[n]?.userId ?? '',
		sessionId,
		organizationId,
		cookie: `portico=${token}`
	}));
}
