import { sql, type Kysely } from 'kysely';

/** Texts and messages of the two e-mails about a deletion go on under the names that these have now. */
export async function up(db: Kysely<unknown>): Promise<void> {
	await sql`alter table email_template disable trigger email_template_is_append_only`.execute(db);
	for (const [before, now] of [
		['organization-condemned', 'organization-deletion-scheduled'],
		['organization-kept', 'organization-deletion-cancelled']
	]) {
		await sql`update email_template set name = ${now} where name = ${before}`.execute(db);
		await sql`update message set template = ${now} where template = ${before}`.execute(db);
	}
	await sql`alter table email_template enable trigger email_template_is_append_only`.execute(db);
}
