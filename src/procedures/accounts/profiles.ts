import { email, givenPassword, names, password } from '#lib/fields.ts';
import { fullName } from '#lib/views.ts';
import { isoOf, type Trx } from '../../database/database.ts';
import { limitFailures } from '../../api/limits.ts';
import { deleteLinks } from '../../identity/links.ts';
import { publish, signal } from '../../news/publish.ts';
import { hashPassword, verifyPassword } from '../../identity/passwords.ts';
import { endOtherSessions } from '../../identity/sessions.ts';
import { fieldRefusal, notFound, Refusal } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { personProcedure, router, userProcedure, type Context } from '../../api/trpc.ts';
import { accountViewOf, publishAccount } from './accounts.ts';
import { findMember } from '../../people/members.ts';
import { sendNotice } from './resets.ts';
import { deleteAccount, findObstacles } from './administration.ts';

/** What people do with their own account. */

const sessionOver = () => new Refusal('UNAUTHORIZED', 'SIGN_IN', 'Your session is over. Sign in to go on.');
const wrongPassword = () => fieldRefusal('currentPassword', 'INVALID', 'This is not your password.');

/**
 * Asks for the password once more, since an open page may be anybody's. Hashes: never call it inside a transaction.
 * @returns the hash that it fits, for {@link lockOwnAccount}.
 */
export async function checkOwnPassword(
	ctx: Pick<Context, 'db'> & { session: { id: string; user: { id: string } } },
	currentPassword: string
): Promise<string> {
	// Of this session alone: who has found somebody's open page keeps nobody from their own.
	const bucket = { key: `password:session:${ctx.session.id}`, max: 10, seconds: 900 };
	return limitFailures(ctx.db, [bucket], async () => {
		const account = await ctx.db
			.selectFrom('account')
			.select('passwordHash')
			.where('id', '=', ctx.session.user.id)
			.executeTakeFirst();
		if (!account) throw sessionOver();
		if (!(await verifyPassword(account.passwordHash, currentPassword))) throw wrongPassword();
		return account.passwordHash;
	});
}

/** Locks the account, which must still have the password that was asked for, and the session that asked. */
export async function lockOwnAccount(
	db: Trx,
	session: { id: string; user: { id: string } },
	passwordHash: string
) {
	const account = await db
		.selectFrom('account')
		.selectAll()
		.where('id', '=', session.user.id)
		.where((eb) => eb.exists(eb.selectFrom('session').select('id').where('session.id', '=', session.id)))
		.forNoKeyUpdate()
		.executeTakeFirst();
	if (!account) throw sessionOver();
	if (account.passwordHash !== passwordHash) throw wrongPassword();
	return account;
}

export const currentPassword = givenPassword;

export const profilesRouter = router({
	/** What the person's own page shows besides the account and the sessions. */
	openProfile: userProcedure({}).query(async ({ ctx }) => {
		const change = await ctx.db
			.selectFrom('accountLink')
			.select(['email', 'expiresAt'])
			.where('accountId', '=', ctx.user.id)
			.where('kind', '=', 'change')
			.where('usedAt', 'is', null)
			.where('expiresAt', '>', new Date())
			.executeTakeFirst();
		return {
			/** The address that waits for its proof. */
			change: change ? { email: change.email, expiresAt: isoOf(change.expiresAt) } : null,
			/** Why the account can't be deleted now. */
			obstacles: await findObstacles(ctx.db, ctx.user.id)
		};
	}),

	/** Companies keep the names that they know their members by; the personal space takes the new ones. */
	rename: userProcedure(names).mutation(async ({ ctx, input }) => {
		const { db, user } = ctx;
		const space = await db
			.selectFrom('organization')
			.selectAll()
			.where('isPersonal', '=', true)
			.where('requestedBy', '=', user.id)
			.forUpdate()
			.executeTakeFirst();
		const account = await db
			.selectFrom('account')
			.selectAll()
			.where('id', '=', user.id)
			.forNoKeyUpdate()
			.executeTakeFirst();
		if (!account) throw notFound();
		const previousName = fullName(account);
		const view = accountViewOf({ ...account, ...input });
		if (account.firstName === input.firstName && account.lastName === input.lastName) return view;
		await db.updateTable('account').set(input).where('id', '=', user.id).execute();
		const previous = space ? await findMember(db, space.id, user.id) : null;
		if (space && previous) {
			await db.updateTable('membership').set(input).where('id', '=', previous.id).execute();
			const member = { ...previous, ...input };
			await publish({ ...ctx, organization: space }, 'member.updated', { member, previous });
		}
		await publish(ctx, 'account.renamed', { account: view, previousName });
		await signal(db, { kind: 'account', userId: user.id });
		return view;
	}),

	/** Ends every session but this one. */
	changePassword: personProcedure({ currentPassword, password }).mutation(async ({ ctx, input }) => {
		const known = await checkOwnPassword(ctx, input.currentPassword);
		const passwordHash = await hashPassword(input.password);
		await transact(ctx.db, async (db) => {
			const account = await lockOwnAccount(db, ctx.session, known);
			await db.updateTable('account').set({ passwordHash }).where('id', '=', account.id).execute();
			await endOtherSessions(db, account.id, ctx.session.id);
			// Links that somebody else may have asked for, knowing the old password.
			await deleteLinks(db, account.id, ['reset', 'change']);
			await publishAccount(db, 'account.passwordChanged', account);
			await sendNotice(ctx, db, account);
		});
		return {};
	}),

	/** Deletes the own account: the password and the address typed say that it is meant. */
	deleteOwn: personProcedure({ currentPassword, email }).mutation(async ({ ctx, input }) => {
		if (input.email !== ctx.user.email) {
			throw fieldRefusal('email', 'INVALID', 'This is not the address of your account.');
		}
		await checkOwnPassword(ctx, input.currentPassword);
		await transact(ctx.db, (db) => deleteAccount({ ...ctx, db }, ctx.user.id));
		ctx.setSessionToken(null);
		return {};
	})
});
