import { sql } from 'kysely';
import type { EmailEditor } from '#lib/views.ts';
import type { Db } from '../database/database.ts';

/** An open page says every 15 seconds that it is there. */
export const closedAfterSeconds = 40;

/** The pages that have the editor of this e-mail open. */
export async function listEditors(db: Db, name: string): Promise<EmailEditor[]> {
	const rows = await db
		.selectFrom('emailEditor')
		.innerJoin('account', 'account.id', 'emailEditor.userId')
		.select(['emailEditor.pageId', 'emailEditor.userId', 'account.firstName', 'account.lastName'])
		.where('emailEditor.name', '=', name)
		.where('emailEditor.seenAt', '>', sql<Date>`now() - make_interval(secs => ${closedAfterSeconds})`)
		.orderBy('emailEditor.pageId')
		.execute();
	return rows.map(({ pageId, userId, firstName, lastName }) => ({
		pageId,
		userId,
		name: `${firstName} ${lastName}`.trim()
	}));
}
