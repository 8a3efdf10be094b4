import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`alter table credential add column expiry_told_at timestamptz`.execute(db);
	await sql`
		create index credential_expiring on credential (expires_at)
		where expires_at is not null and revoked_at is null and expiry_told_at is null and not is_replaced`.execute(
		db
	);
}
