import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Whoever has access by a plan is told of how old credentials may become, as of its changed limits.
	await sql`alter table plan add column ages_changed_at timestamptz not null default now()`.execute(db);
	await sql`alter table access add column ages_told_at timestamptz not null default clock_timestamp()`.execute(
		db
	);
	// Of which end people were told: a credential has several, by plans, and each may come to be another one.
	await sql`alter table credential add column told_end_at timestamptz`.execute(db);
	await sql`update credential set told_end_at = expires_at where expiry_told_at is not null`.execute(db);
	await sql`drop index credential_expiring`.execute(db);
	await sql`
		create index credential_expiring on credential (expires_at)
		where expires_at is not null and revoked_at is null and not is_replaced`.execute(db);
}
