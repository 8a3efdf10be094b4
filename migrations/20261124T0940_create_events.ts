import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// seq numbers an event in its organization's stream, portal_seq in the portal admins'; each without gaps.
	await sql`
		create table event (
			id bigint primary key generated always as identity,
			organization_id uuid references organization (id) on delete cascade,
			seq bigint,
			portal_seq bigint,
			name text not null,
			actor jsonb not null,
			payload jsonb not null,
			at timestamptz not null default now(),
			check (seq is not null or portal_seq is not null),
			check (seq is null or organization_id is not null)
		)`.execute(db);
	await sql`create unique index event_seq on event (organization_id, seq) where seq is not null`.execute(db);
	await sql`create unique index event_portal_seq on event (portal_seq) where portal_seq is not null`.execute(
		db
	);

	// Which credentials a person has seen, for the dialog that removes them.
	await sql`
		create index event_revealed on event (organization_id, (actor->>'id'))
		where name in ('credential.revealed', 'credential.copied')`.execute(db);

	// The audit log is append-only, whoever holds the connection.
	await sql`
		create function refuse_change() returns trigger language plpgsql as $$
		begin
			raise exception 'events are append-only';
		end
		$$`.execute(db);
	await sql`
		create trigger event_is_append_only before update on event
		for each row execute function refuse_change()`.execute(db);
}
