import { z } from 'zod';
import { isoOf } from '../database.ts';
import { composeMessage } from '../jobs.ts';
import { adminProcedure, notFound, router } from '../trpc.ts';

const listLength = 200;

export const messagesRouter = router({
	/** The latest messages; `isSending` says whether they leave the house or stay in the mailbox. */
	list: adminProcedure({}).query(async ({ ctx }) => {
		const rows = await ctx.db
			.selectFrom('message')
			.select([
				'id',
				'recipientName',
				'recipient',
				'subject',
				'template',
				'state',
				'attempts',
				'error',
				'createdAt',
				'sentAt'
			])
			.orderBy('createdAt', 'desc')
			.limit(listLength)
			.execute();
		return {
			isSending: ctx.config.SMTP_URL !== undefined,
			messages: rows.map((row) => ({ ...row, createdAt: isoOf(row.createdAt), sentAt: isoOf(row.sentAt) }))
		};
	}),

	/** One message as it would have gone out. What was sent is kept no longer: only its envelope is shown. */
	get: adminProcedure({ messageId: z.uuid() }).query(async ({ ctx, input }) => {
		const row = await ctx.db
			.selectFrom('message')
			.selectAll()
			.where('id', '=', input.messageId)
			.executeTakeFirst();
		if (!row) throw notFound();
		const { id, recipient, subject, template, state, createdAt } = row;
		const composed =
			row.content === null
				? null
				: await composeMessage({ db: ctx.db, env: ctx.config, vault: ctx.vault }, row);
		return {
			id,
			recipient,
			subject,
			template,
			state,
			createdAt: isoOf(createdAt),
			html: composed?.html ?? null,
			text: composed?.text ?? null,
			source: composed?.source ?? null
		};
	})
});
