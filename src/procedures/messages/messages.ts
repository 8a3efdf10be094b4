import { sql, type SqlBool } from 'kysely';
import { z } from 'zod';
import { messageState } from '#lib/mail-server.ts';
import { cursor } from '#lib/views.ts';
import { searchText } from '#lib/fields.ts';
import { searchKey } from '#lib/search.ts';
import { isoOf, type Trx } from '../../database/database.ts';
import { holding, newestFirst, takePage } from '../../database/paging.ts';
import { composePreview } from '../../mail/delivery.ts';
import { findContent, UnsendableError, unreadableWords } from '../../mail/taking.ts';
import { showAttachments } from '../../mail/compose.ts';
import { deadLinkWords, hasDeadLink } from '../../mail/outdated.ts';
import { findMailing, getMailServerRow } from '../../mail/servers.ts';
import { signal } from '../../news/publish.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { adminProcedure, router, type Context } from '../../api/trpc.ts';

const pageLength = 50;
/** How many failed messages one call queues again; the page calls until none is left. */
const resendLength = 200;

const query = {
	state: messageState.nullish(),
	search: searchText.optional(),
	after: cursor.nullish()
};

/** Marks those whose link is over or that can't be read, and queues the others again: each for itself. */
async function resend(
	ctx: Pick<Context, 'config' | 'vault' | 'outbox' | 'log'> & { db: Trx },
	messages: { id: string; content: string | null; draft: string | null }[]
) {
	const good: string[] = [];
	const outdated: string[] = [];
	const unreadable: string[] = [];
	for (const message of messages) {
		const values = findContent(ctx.vault, message);
		if (!values) unreadable.push(message.id);
		else if (message.draft === null && (await hasDeadLink(ctx.db, values, ctx.config.ORIGIN)))
			outdated.push(message.id);
		else good.push(message.id);
	}
	await ctx.outbox.requeue(ctx.db, good);
	if (unreadable.length > 0) {
		ctx.log.error({ messageIds: unreadable }, 'messages can’t be sent again: they can’t be read');
		await ctx.db
			.updateTable('message')
			.set({ state: 'failed', error: unreadableWords })
			.where('id', 'in', unreadable)
			.execute();
		await signal(ctx.db, { kind: 'mailbox' });
	}
	if (outdated.length > 0) {
		await ctx.db
			.updateTable('message')
			.set({ state: 'outdated', content: null, error: deadLinkWords })
			.where('id', 'in', outdated)
			.execute();
		await signal(ctx.db, { kind: 'mailbox' });
	}
	return { queued: good.length, outdated: outdated.length, unreadable: unreadable.length };
}

/** What has turned out to be unreadable isn't tried again with the others. */
const isReadable = sql<SqlBool>`error is distinct from ${unreadableWords}`;

export const messagesRouter = router({
	/** The messages, newest first; `isSending` says whether they leave the house or stay in the mailbox. */
	list: adminProcedure(query).query(async ({ ctx, input: { state, search = '', after } }) => {
		const wanted = searchKey(search);
		const fitting = ctx.db
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
				'answer',
				'createdAt',
				'sentAt',
				'nextTryAt'
			])
			.$if(Boolean(state), (rows) => rows.where('state', '=', state ?? 'queued'))
			.$if(wanted !== '', (rows) => rows.where('searchKey', 'like', holding(wanted)));
		const { rows, next } = await takePage(fitting, newestFirst('message'), after, pageLength);
		const mailing = findMailing(await getMailServerRow(ctx.db), { env: ctx.config, vault: ctx.vault });
		return {
			// Settings that can't be read are an alarm of their own.
			isSending: mailing?.route !== null,
			messages: rows.map((row) => ({
				...row,
				createdAt: isoOf(row.createdAt),
				sentAt: isoOf(row.sentAt),
				nextTryAt: isoOf(row.nextTryAt)
			})),
			next
		};
	}),

	/** What may need a hand: how many wait, since when the first one does, and how many came to nothing. */
	count: adminProcedure({}).query(async ({ ctx }) => {
		const rows = await ctx.db
			.selectFrom('message')
			.select((eb) => ['state', eb.fn.countAll<number>().as('count'), eb.fn.min('createdAt').as('oldest')])
			.where('state', 'in', ['queued', 'failed'])
			.groupBy('state')
			.execute();
		const of = (state: string) => rows.find((row) => row.state === state);
		return {
			queued: Number(of('queued')?.count ?? 0),
			failed: Number(of('failed')?.count ?? 0),
			oldestQueuedAt: isoOf(of('queued')?.oldest ?? null)
		};
	}),

	/**
	 * One message; as it would have gone out where it is kept for want of a mail server. Otherwise only its envelope: the
	 * links in it are its reader's secrets, and what was sent is kept no longer.
	 */
	get: adminProcedure({ messageId: z.uuid() }).query(async ({ ctx, input }) => {
		const row = await ctx.db
			.selectFrom('message')
			.selectAll()
			.where('id', '=', input.messageId)
			.executeTakeFirst();
		if (!row) throw notFound();
		const { id, recipient, subject, template, state, attempts, error, answer } = row;
		let composed: Awaited<ReturnType<typeof composePreview>> | null = null;
		let problem: string | null = null;
		if (state === 'kept' && row.content !== null) {
			try {
				composed = await composePreview({ db: ctx.db, env: ctx.config, vault: ctx.vault }, row);
			} catch (error) {
				if (!(error instanceof UnsendableError)) throw error;
				problem = error.message;
				ctx.log.error({ messageId: id, template }, `a message can’t be shown: ${problem}`);
			}
		}
		return {
			id,
			recipient,
			subject,
			template,
			state,
			attempts,
			error: problem ?? error,
			answer,
			createdAt: isoOf(row.createdAt),
			sentAt: isoOf(row.sentAt),
			nextTryAt: isoOf(row.nextTryAt),
			html: composed && showAttachments(composed.html, composed.attachments ?? []),
			text: composed?.text ?? null,
			source: composed?.source ?? null
		};
	}),

	/** Queues a message again that failed or was kept; one whose link is over is marked instead. */
	resend: adminProcedure({ messageId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const row = await ctx.db
			.selectFrom('message')
			.select(['id', 'content', 'state', 'draft'])
			.where('id', '=', input.messageId)
			.forUpdate()
			.executeTakeFirst();
		if (!row) throw notFound();
		if (row.state !== 'failed' && row.state !== 'kept') {
			throw new Refusal('CONFLICT', 'NOT_RESENDABLE', `This message is ${row.state} already.`);
		}
		const { outdated, unreadable } = await resend(ctx, [row]);
		return {
			state: outdated ? ('outdated' as const) : unreadable ? ('failed' as const) : ('queued' as const)
		};
	}),

	/** As `resend`, for the oldest of all that failed; `remaining` says how many are left for the next call. */
	resendFailed: adminProcedure({}).mutation(async ({ ctx }) => {
		const rows = await ctx.db
			.selectFrom('message')
			.select(['id', 'content', 'draft'])
			.where('state', '=', 'failed')
			.where(isReadable)
			.orderBy('createdAt')
			.orderBy('id')
			.limit(resendLength)
			.forUpdate()
			.execute();
		const done = await resend(ctx, rows);
		const { count } = await ctx.db
			.selectFrom('message')
			.select((eb) => eb.fn.countAll<number>().as('count'))
			.where('state', '=', 'failed')
			.where(isReadable)
			.executeTakeFirstOrThrow();
		return { ...done, remaining: Number(count) };
	})
});
