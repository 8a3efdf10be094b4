import { z } from 'zod';
import { linkToken } from '#lib/fields.ts';
import { fullName } from '#lib/views.ts';
import { topicNames, topics, type Topic } from '#lib/topics.ts';
import type { Db, Trx } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import { isWanted, readUnsubscribeToken } from '../../mail/preferences.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { publicProcedure, router, userProcedure, type Context } from '../../api/trpc.ts';
import { accountViewOf } from '../accounts/accounts.ts';

/** Which e-mails people do without: see `topic` in the catalogue. */

/** Writes the wish of a person; what portal admins wish about requests is told to the others, who see it in "General". */
async function setWanted(db: Trx, accountId: string, topic: Topic, isWanted: boolean): Promise<void> {
	if (topic === 'requests') {
		const account = await db
			.updateTable('account')
			.set({ isNotified: isWanted })
			.where('id', '=', accountId)
			.where('isPortalAdmin', '=', true)
			.where('isNotified', '!=', isWanted)
			.returningAll()
			.executeTakeFirst();
		if (!account) return;
		const actor = { id: account.id, name: fullName(account), kind: 'admin' as const };
		await publish({ db, actor }, 'account.notificationsChanged', { account: accountViewOf(account) });
		return;
	}
	const { isOnByDefault } = topics[topic];
	const table = isOnByDefault ? 'mailOptOut' : 'mailOptIn';
	if (isWanted === isOnByDefault) {
		await db.deleteFrom(table).where('accountId', '=', accountId).where('topic', '=', topic).execute();
		return;
	}
	await db
		.insertInto(table)
		.values({ accountId, topic })
		.onConflict((conflict) => conflict.doNothing())
		.execute();
}

const invalidLink = () =>
	new Refusal('NOT_FOUND', 'INVALID_LINK', 'This link is not valid. It may have been cut off.');

/** Whose link it is and for what; refused when it isn't one of ours, or its account is gone. */
async function read(db: Db, vault: Context['vault'], token: string) {
	const known = readUnsubscribeToken(vault, token);
	const account = known
		? await db
				.selectFrom('account')
				.select(['id', 'email'])
				.where('id', '=', known.accountId)
				.executeTakeFirst()
		: undefined;
	if (!known || !account) throw invalidLink();
	return { account, topic: known.topic };
}

/** As the link in a message asks for it: no session, and no more than its own topic. @throws {Refusal} */
export async function followUnsubscribe(
	{ db, vault }: Pick<Context, 'db' | 'vault'>,
	token: string,
	isWanted: boolean
): Promise<void> {
	const { account, topic } = await read(db, vault, token);
	await transact(db, (trx) => setWanted(trx, account.id, topic, isWanted));
}

const token = linkToken;

export const preferencesRouter = router({
	list: userProcedure({}).query(async ({ ctx }) => {
		const names = topicNames.filter((topic) => ctx.user.isPortalAdmin || !topics[topic].isForAdmins);
		return Promise.all(
			names.map(async (topic) => ({ topic, isWanted: await isWanted(ctx.db, ctx.user.email, topic) }))
		);
	}),

	update: userProcedure({ topic: z.enum(topicNames), isWanted: z.boolean() }).mutation(
		async ({ ctx, input }) => {
			if (topics[input.topic].isForAdmins && !ctx.user.isPortalAdmin) throw notFound();
			await setWanted(ctx.db, ctx.user.id, input.topic, input.isWanted);
			return input;
		}
	),

	/** What the link of a message is for; opening it changes nothing, since mail scanners open every link. */
	open: publicProcedure({ token }).query(async ({ ctx, input }) => {
		const { account, topic } = await read(ctx.db, ctx.vault, input.token);
		return { topic, email: account.email, isWanted: await isWanted(ctx.db, account.email, topic) };
	}),

	unsubscribe: publicProcedure({ token, isWanted: z.boolean().default(false) }).mutation(
		async ({ ctx, input }) => {
			await followUnsubscribe(ctx, input.token, input.isWanted);
			return {};
		}
	)
});
