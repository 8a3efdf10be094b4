import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// How often a credential was presented, and how that was answered: by the minute, the hour and the day, in UTC.
	await sql`
		create table usage_count (
			credential_id uuid not null references credential (id) on delete cascade,
			span text not null check (span in ('minute', 'hour', 'day')),
			at timestamptz not null,
			answer text not null,
			count bigint not null,
			primary key (credential_id, span, at, answer)
		) with (fillfactor = 80)`.execute(db);
	// For what deletes the oldest, and for what is most used on the whole portal.
	await sql`create index usage_count_at on usage_count (span, at)`.execute(db);

	// When somebody was counting: no row of one and no row of the other is a gap, not a zero.
	await sql`
		create table usage_watch (
			span text not null check (span in ('minute', 'hour', 'day')),
			at timestamptz not null,
			primary key (span, at)
		)`.execute(db);

	// What was counted already, so that sent again it isn't counted again.
	await sql`
		create table usage_batch (
			key text primary key,
			body_hash text,
			answer jsonb,
			at timestamptz not null default now()
		)`.execute(db);
	await sql`create index usage_batch_at on usage_batch (at)`.execute(db);

	// When a credential was last let in, by which gateway, when it was last refused, and last presented once replaced.
	await sql`
		create table credential_use (
			credential_id uuid primary key references credential (id) on delete cascade,
			used_at timestamptz,
			gateway_id uuid,
			refused_at timestamptz,
			late_at timestamptz
		) with (fillfactor = 80)`.execute(db);
	await sql`create index credential_use_late on credential_use (late_at) where late_at is not null`.execute(
		db
	);

	await sql`alter table credential add column replaced_at timestamptz`.execute(db);
	// Of those that were replaced before, the best that is known: what ended at once ended then.
	await sql`update credential set replaced_at = coalesce(revoked_at, now()) where is_replaced`.execute(db);
}
