import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Who knows a credential of an application that came from a personal space is found by the same indexes as who has
	// revealed it.
	await sql`drop index event_revealed`.execute(db);
	await sql`drop index event_seen_credential`.execute(db);
	const names = sql`name in ('credential.revealed', 'credential.copied', 'credential.known')`;
	await sql`
		create index event_revealed on event (organization_id, (actor->>'id')) where ${names}`.execute(db);
	await sql`
		create index event_seen_credential on event (organization_id, (payload->'credential'->>'id'))
		where ${names}`.execute(db);
}
