import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`
		alter table account
			drop constraint account_status_check,
			add constraint account_status_check
				check (status in ('pending', 'active', 'rejected', 'deactivated')),
			-- To within some minutes.
			add column last_seen_at timestamptz`.execute(db);
	// The order of the portal admins' list.
	await sql`drop index account_created_at`.execute(db);
	await sql`create index account_created_at on account (created_at, id)`.execute(db);
	await sql`create index account_waiting on account (id) where status = 'pending'`.execute(db);
}
