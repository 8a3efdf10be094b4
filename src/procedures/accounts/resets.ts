import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import { email, linkToken, password } from '#lib/fields.ts';
import { fullName } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import { noteDevice } from '../../identity/devices.ts';
import { limit, limitGuesses } from '../../api/limits.ts';
import { getValidLink, useLink } from './proving.ts';
import { createLink, deleteLinks, findLink } from '../../identity/links.ts';
import { publish } from '../../news/publish.ts';
import { hasRoom } from '../../mail/outbox.ts';
import { hashPassword } from '../../identity/passwords.ts';
import { endSession, endSessions } from '../../identity/sessions.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { adminProcedure, publicProcedure, router, type Context } from '../../api/trpc.ts';
import { accountViewOf, enoughMails, findAccount, publishAccount, tellAdmins } from './accounts.ts';
import { welcomeOwner } from './owners.ts';
import { lockOrganizations } from './administration.ts';
import { clearSignInLimits } from '../../identity/sign-in-limits.ts';

/** A new password for whoever has forgotten theirs: the link goes to the account's address alone. */

const token = linkToken;

/** Five messages an hour to one address, whoever asks for them. When there are no more, the newest one works. */
const limitRecipient = (ctx: Pick<Context, 'db'>, address: string) =>
	limit(ctx.db, `reset:account:${createHash('sha256').update(address).digest('hex')}`, 5, 3600);

/** @returns whether it is sent; if not, the newest link goes on working. */
async function sendLink(
	ctx: Pick<Context, 'config' | 'outbox'>,
	db: Trx,
	account: { id: string; email: string; firstName: string; lastName: string }
): Promise<boolean> {
	const to = { name: fullName(account), address: account.email };
	const sent = await ctx.outbox.enqueue(db, to, 'password-reset', async () => {
		const token = await createLink(db, 'reset', account.id, account.email);
		return { firstName: account.firstName, resetUrl: `${ctx.config.ORIGIN}/reset-password/${token}` };
	});
	return sent !== null;
}

/** What an address without an account costs: the same work, of which nothing stays but what was counted. */
async function sendNothing(ctx: Pick<Context, 'config' | 'outbox'>, db: Trx, address: string): Promise<void> {
	await hasRoom(db, address, 'password-reset');
	await sql`savepoint unsent`.execute(db);
	await ctx.outbox.enqueue(db, { name: '', address }, 'password-reset', {
		firstName: '',
		resetUrl: `${ctx.config.ORIGIN}/reset-password/${createToken()}`
	});
	await sql`rollback to savepoint unsent`.execute(db);
}

export const resetsRouter = router({
	/**
	 * The same answer after the same work, whether there is such an account. Nobody is written to who has none: else a
	 * stranger could have the portal write to whom they like. Whoever may not sign in for good gets no link.
	 */
	requestReset: publicProcedure({ email }).mutation(async ({ ctx, input }) => {
		await limit(ctx.db, `reset:address:${ctx.address}`, 200, 3600);
		await limitRecipient(ctx, input.email);
		await transact(ctx.db, async (db) => {
			const account = await findAccount(db, input.email);
			if (!account) return sendNothing(ctx, db, input.email);
			if (account.status === 'active' || account.status === 'pending') {
				await sendLink(ctx, db, account);
				return;
			}
			const to = { name: fullName(account), address: account.email };
			await ctx.outbox.enqueue(db, to, 'password-reset-refused', {
				address: input.email,
				reason: `The team of the portal has ${account.status} the account with this address.`,
				signInUrl: `${ctx.config.ORIGIN}/login`
			});
		});
		return {};
	}),

	/** What the link's page shows before any form. */
	openReset: publicProcedure({ token }).query(async ({ ctx, input }) => {
		const link = await findLink(ctx.db, ['reset'], input.token);
		if (!link) return { state: 'invalid' as const };
		return { state: link.state, email: link.email, signedInAs: ctx.session?.user.email ?? null };
	}),

	/**
	 * Sets the password and ends every session. It signs nobody in: signing in is one way for everybody, with all that
	 * it checks, also for an account that waits for its approval and while signing in is switched off.
	 *
	 * Whoever got the link has proven the address. If nobody had before, all that was there may be somebody else's.
	 */
	reset: publicProcedure({ token, password }).mutation(async ({ ctx, input }) => {
		const bucket = { key: `reset:use:${ctx.address}`, max: 60, seconds: 900 };
		const { accountId } = await limitGuesses(ctx.db, bucket, () =>
			getValidLink(ctx.db, ['reset'], input.token)
		);
		const passwordHash = await hashPassword(input.password);
		const deviceToken = ctx.device.token ?? createToken();
		const isWaiting = await transact(ctx.db, async (db) => {
			const places = await lockOrganizations(db, accountId);
			const before = await db
				.selectFrom('account')
				.selectAll()
				.where('id', '=', accountId)
				.forNoKeyUpdate()
				.executeTakeFirst();
			await useLink(db, ['reset'], input.token);
			if (!before) throw notFound();
			const emailVerifiedAt = before.emailVerifiedAt ?? new Date();
			const account = { ...before, passwordHash, emailVerifiedAt };
			await db
				.updateTable('account')
				.set({ passwordHash, emailVerifiedAt })
				.where('id', '=', accountId)
				.execute();
			await endSessions(db, accountId);
			await clearSignInLimits(db, account);
			// Somebody who knew the old password may have asked for another address.
			await deleteLinks(db, accountId, ['change']);
			if (!before.emailVerifiedAt) {
				await welcomeOwner(ctx, db, account, places, null);
				await publishAccount(db, 'account.verified', account);
			}
			// The owner is here: others who guess keep them out of no browser that is known.
			await noteDevice(db, accountId, hashToken(deviceToken));
			if (ctx.session) await endSession(db, ctx.session.id, ctx.session.user.id);
			await publishAccount(db, 'account.passwordChanged', account);
			await sendNotice(ctx, db, account);
			if (!before.emailVerifiedAt && account.status === 'pending') await tellAdmins(ctx, db, account);
			return account.status === 'pending';
		});
		// Whoever was signed in here makes way, so that the sign-in page is the next.
		if (ctx.session) ctx.setSessionToken(null);
		ctx.setDeviceToken(deviceToken);
		return { isWaiting };
	}),

	/** A portal admin has the link mailed to the person; nobody else ever sees it. */
	sendReset: adminProcedure({ accountId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const account = await ctx.db
			.selectFrom('account')
			.selectAll()
			.where('id', '=', input.accountId)
			.executeTakeFirst();
		if (!account) throw notFound();
		if (account.status === 'rejected' || account.status === 'deactivated') {
			throw new Refusal(
				'CONFLICT',
				`ACCOUNT_${account.status.toUpperCase()}`,
				`This account is ${account.status}: a new password would not let anybody in.`
			);
		}
		await limit(ctx.db, `reset:admin:${ctx.user.id}`, 60, 3600);
		await limitRecipient(ctx, account.email);
		const view = accountViewOf(account);
		await publish(ctx, 'account.passwordResetSent', { account: view });
		// What counts per recipient comes after the portal's row, as where somebody registers.
		if (!(await sendLink(ctx, ctx.db, account))) throw enoughMails();
		return view;
	})
});

/** Tells the owner of an account that it has a new password. */
export async function sendNotice(
	ctx: Pick<Context, 'config' | 'outbox'>,
	db: Trx,
	account: { email: string; firstName: string; lastName: string }
): Promise<void> {
	await ctx.outbox.enqueue(db, { name: fullName(account), address: account.email }, 'password-changed', {
		firstName: account.firstName,
		resetUrl: `${ctx.config.ORIGIN}/forgot-password`
	});
}
