import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Told to the teams afterwards, by a job that is nobody.
	await db.schema.alterTable('plan').addColumn('changed_by', 'jsonb').execute();
}
