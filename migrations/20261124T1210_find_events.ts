import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// "Activity" filters by organization, person and kind, in any combination, in the order of time. Each that grows
	// with the number of events has its index; a third filter sieves what two have found.
	const [person, kind] = [`(actor->>'id')`, `(split_part(name, '.', 1))`];
	const indexes = {
		event_portal_at: ['portal_seq', []],
		event_portal_organization: ['portal_seq', ['organization_id']],
		event_portal_person: ['portal_seq', [person]],
		event_portal_kind: ['portal_seq', [kind]],
		event_portal_organization_person: ['portal_seq', ['organization_id', person]],
		event_portal_organization_kind: ['portal_seq', ['organization_id', kind]],
		event_portal_person_kind: ['portal_seq', [person, kind]],
		event_at: ['seq', ['organization_id']],
		event_person: ['seq', ['organization_id', person]],
		event_kind: ['seq', ['organization_id', kind]]
	} satisfies Record<string, [string, string[]]>;
	for (const [name, [number, columns]] of Object.entries(indexes)) {
		const list = [...columns, 'at', number].join(', ');
		await sql`
			create index ${sql.raw(name)} on event (${sql.raw(list)})
			where ${sql.raw(number)} is not null`.execute(db);
	}
}
