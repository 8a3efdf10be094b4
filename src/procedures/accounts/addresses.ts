import type { Selectable } from 'kysely';
import { email, linkToken } from '#lib/fields.ts';
import { fullName } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import { limit, limitGuesses } from '../../api/limits.ts';
import { getValidLink, useLink } from './proving.ts';
import { createLink, deleteLinks, findLink } from '../../identity/links.ts';
import { publish, signal } from '../../news/publish.ts';
import { hashPassword } from '../../identity/passwords.ts';
import { listSessions } from '../../identity/sessions.ts';
import { findProof } from '../../api/proofs.ts';
import type { Tables } from '../../database/tables.ts';
import { createToken } from '../../identity/tokens.ts';
import { fieldRefusal, notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { personProcedure, publicProcedure, router, userProcedure, type Context } from '../../api/trpc.ts';
import {
	accountViewOf,
	enoughMails,
	findAccount,
	publishAccount,
	sendVerification,
	tellAdmins
} from './accounts.ts';
import { welcomeOwner } from './owners.ts';
import { checkOwnPassword, currentPassword, lockOwnAccount } from './profiles.ts';
import { lockOrganizations } from './administration.ts';

/** Proving e-mail addresses: the one that an account has, and the one that it is to have. */

const token = linkToken;
const kinds = ['verification', 'change'] as const;

type AccountRow = Selectable<Tables['account']>;

const lockAccount = (db: Trx, id: string) =>
	db.selectFrom('account').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst();

/** The account has its new address: everybody who sees it learns of that. */
async function changeAddress(
	ctx: Pick<Context, 'outbox'>,
	db: Trx,
	before: AccountRow,
	account: AccountRow,
	organizations: Awaited<ReturnType<typeof lockOrganizations>>
): Promise<void> {
	// They went to the mailbox that is no longer the account's.
	await deleteLinks(db, account.id, ['verification', 'reset']);
	for (const { organization, member: previous } of organizations) {
		if (!previous) continue;
		const actor = { id: account.id, name: fullName(previous), kind: 'developer' as const };
		const member = { ...previous, email: account.email };
		await publish({ db, actor, organization }, 'member.updated', { member, previous });
	}
	const actor = { id: account.id, name: fullName(account), kind: 'developer' as const };
	const previousEmail = before.email;
	// An old address that nobody has ever proven may be a stranger's.
	if (before.emailVerifiedAt) {
		await ctx.outbox.enqueue(db, { name: fullName(account), address: previousEmail }, 'email-changed', {
			firstName: account.firstName,
			email: account.email
		});
	}
	await publish({ db, actor }, 'account.emailChanged', { account: accountViewOf(account), previousEmail });
	await signal(db, { kind: 'account', userId: account.id });
}

export const addressesRouter = router({
	/** What the link's page shows before its button. */
	openEmail: publicProcedure({ token }).query(async ({ ctx, input }) => {
		const link = await findLink(ctx.db, kinds, input.token);
		const signedInAs = ctx.session?.user.email ?? null;
		if (!link) return { state: 'invalid' as const, signedInAs };
		const { state, kind, email, accountEmail } = link;
		return { state, kind, email, accountEmail, name: fullName(link), signedInAs };
	}),

	/**
	 * By a press alone: mail scanners open every link. `isWaiting`: nobody has approved the account yet. Whoever is not
	 * signed in here as the account has proven the address, but not that the password is theirs: it ends, and
	 * `resetToken` lets them set their own.
	 */
	verifyEmail: publicProcedure({ token }).mutation(async ({ ctx, input }) => {
		const bucket = { key: `verify:address:${ctx.address}`, max: 60, seconds: 900 };
		const found = await limitGuesses(ctx.db, bucket, () => getValidLink(ctx.db, kinds, input.token));
		// The link proves the address, not that its owner is whoever asked: confirmed by somebody else, an account of
		// theirs would have an address that is not.
		if (found.kind === 'change' && ctx.session?.user.id !== found.accountId) {
			const words = `Sign in with ${found.accountEmail} first: a change of address is confirmed by whoever has asked for it.`;
			throw new Refusal('FORBIDDEN', 'SIGN_IN', words);
		}
		const nobodysHash = await hashPassword(createToken());
		const proving = transact(ctx.db, async (db) => {
			const { kind, accountId } = found;
			const places = await lockOrganizations(db, accountId);
			const before = await lockAccount(db, accountId);
			const link = await useLink(db, kinds, input.token);
			if (!before) throw notFound();
			const isFirst = before.emailVerifiedAt === null;
			const session = (await listSessions(db, accountId)).find(({ id }) => id === ctx.session?.id);
			const endsPassword = isFirst && !session;
			const account = await db
				.updateTable('account')
				.set({
					email: link.email,
					emailVerifiedAt: new Date(),
					...(endsPassword && { passwordHash: nobodysHash })
				})
				.where('id', '=', accountId)
				.returningAll()
				.executeTakeFirstOrThrow();
			if (isFirst) await welcomeOwner(ctx, db, account, places, session?.id ?? null);
			if (kind === 'change') await changeAddress(ctx, db, before, account, places);
			else await publishAccount(db, 'account.verified', account);
			const isWaiting = account.status === 'pending';
			if (isWaiting && isFirst) await tellAdmins(ctx, db, account);
			const resetToken = endsPassword ? await createLink(db, 'reset', accountId, account.email) : null;
			return { email: account.email, isWaiting, resetToken };
		});
		return refusingTaken(proving, {
			account_email_key: new Refusal('CONFLICT', 'TAKEN', 'Another account has this address by now.')
		});
	}),

	/** Whether the person's address is yet to be proven for what takes a proof. */
	getProof: userProcedure({}).query(async ({ ctx }) => ({
		isMissing: (await findProof(ctx, ctx.db, ctx.user.id)) === 'missing'
	})),

	resendVerification: userProcedure({}).mutation(async ({ ctx }) => {
		if (ctx.user.isEmailVerified) return {};
		await limit(ctx.db, `verification:account:${ctx.user.id}`, 5, 3600);
		if (!(await sendVerification(ctx, ctx.db, ctx.user))) throw enoughMails();
		return {};
	}),

	/**
	 * Mails a link to the new address; the account has the old one until somebody opens it. A taken address answers as
	 * a free one does: its owner is told, and the link that it waits for exists nowhere.
	 */
	changeEmail: personProcedure({ currentPassword, email }).mutation(async ({ ctx, input }) => {
		const known = await checkOwnPassword(ctx, input.currentPassword);
		if (input.email === ctx.user.email) {
			throw fieldRefusal('email', 'INVALID', 'This is your address already.');
		}
		await limit(ctx.db, `change:account:${ctx.user.id}`, 5, 3600);
		await limit(ctx.db, `change:recipient:${input.email}`, 5, 3600);
		await transact(ctx.db, async (db) => {
			const account = await lockOwnAccount(db, ctx.session, known);
			const owner = await findAccount(db, input.email);
			const token = await createLink(db, 'change', account.id, input.email);
			if (owner) {
				await ctx.outbox.enqueue(
					db,
					{ name: fullName(owner), address: owner.email },
					'email-change-refused',
					{
						firstName: owner.firstName,
						signInUrl: `${ctx.config.ORIGIN}/login`
					}
				);
			} else {
				const to = { name: fullName(account), address: input.email };
				await ctx.outbox.enqueue(db, to, 'email-change-created', {
					firstName: account.firstName,
					previousEmail: account.email,
					verifyUrl: `${ctx.config.ORIGIN}/verify-email/${token}`
				});
			}
			await signal(db, { kind: 'account', userId: account.id });
			if (!account.emailVerifiedAt) return;
			const to = { name: fullName(account), address: account.email };
			await ctx.outbox.enqueue(db, to, 'email-change-requested', {
				firstName: account.firstName,
				email: input.email,
				profileUrl: `${ctx.config.ORIGIN}/profile`
			});
		});
		return {};
	}),

	cancelEmailChange: userProcedure({}).mutation(async ({ ctx }) => {
		await deleteLinks(ctx.db, ctx.user.id, ['change']);
		await signal(ctx.db, { kind: 'account', userId: ctx.user.id });
		return {};
	})
});
