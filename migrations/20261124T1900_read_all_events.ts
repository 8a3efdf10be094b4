import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Portal admins read the events of all streams, and an organization's members those of their own: both in the order
	// of time and id, so that one set of indexes serves them. The ones of each stream go.
	await sql`
		drop index event_portal, event_portal_at, event_portal_organization, event_portal_person, event_portal_kind,
			event_portal_organization_person, event_portal_organization_kind, event_portal_person_kind,
			event_at, event_person, event_kind`.execute(db);
	const [person, kind] = [`(actor->>'id')`, `(split_part(name, '.', 1))`];
	const indexes: Record<string, string[]> = {
		event_at: [],
		event_organization: ['organization_id'],
		event_person: [person],
		event_kind: [kind],
		event_organization_person: ['organization_id', person],
		event_organization_kind: ['organization_id', kind],
		event_person_kind: [person, kind]
	};
	for (const [name, columns] of Object.entries(indexes)) {
		const list = [...columns, 'at', 'id'].join(', ');
		await sql`create index ${sql.raw(name)} on event (${sql.raw(list)})`.execute(db);
	}
}
