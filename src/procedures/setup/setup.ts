import { email, linkToken, names, password } from '#lib/fields.ts';
import { brokenIndex, type Db } from '../../database/database.ts';
import { signIn } from '../accounts/signing-in.ts';
import type { Env } from '../../env.ts';
import { limitGuesses } from '../../api/limits.ts';
import { publish } from '../../news/publish.ts';
import { type Outbox } from '../../mail/outbox.ts';
import { hashPassword } from '../../identity/passwords.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { fieldRefusal, Refusal, refusingTaken } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { publicProcedure, router, system, type Context } from '../../api/trpc.ts';
import { accountViewOf, createAccount, findAccount, publishAccount } from '../accounts/accounts.ts';
import { welcomeOwner } from '../accounts/owners.ts';
import { lockOrganizations } from '../accounts/administration.ts';

async function hasAdmin(db: Db): Promise<boolean> {
	const admin = await db
		.selectFrom('account')
		.select('id')
		.where('isPortalAdmin', '=', true)
		.executeTakeFirst();
	return admin !== undefined;
}

/**
 * Makes the portal admin that the environment names. Who sets the environment has proven more than any link could: an
 * account that somebody has registered with the address and never proven is taken over.
 */
async function createFirstAdmin(
	ctx: Pick<Context, 'db' | 'config' | 'outbox'>,
	email: string,
	passwordHash: string
): Promise<void> {
	const admin = { passwordHash, isPortalAdmin: true, emailVerifiedAt: new Date() };
	const known = await findAccount(ctx.db, email);
	if (!known) {
		const values = { ...admin, email, firstName: 'Portal', lastName: 'Admin' };
		await transact(ctx.db, (trx) => createAccount(trx, values));
		return;
	}
	await transact(ctx.db, async (db) => {
		const places = await lockOrganizations(db, known.id);
		const before = await db
			.selectFrom('account')
			.selectAll()
			.where('id', '=', known.id)
			.forNoKeyUpdate()
			.executeTakeFirst();
		// Another process of this portal, started in the same moment, was faster.
		if (before?.isPortalAdmin) return;
		if (!before || before.emailVerifiedAt) {
			throw new Error(
				`PORTAL_ADMIN_EMAIL: ${email} has an account already that is no portal admin, and somebody has confirmed its address.\n` +
					'Name another address, or none: the start then prints a link that makes the first portal admin.'
			);
		}
		const account = await db
			.updateTable('account')
			.set({ ...admin, status: 'active' })
			.where('id', '=', known.id)
			.returningAll()
			.executeTakeFirstOrThrow();
		await welcomeOwner(ctx, db, account, places, null);
		await publishAccount(db, 'account.verified', account);
		await publish({ db, actor: system }, 'account.madeAdmin', { account: accountViewOf(account) });
	});
}

/**
 * While there is no portal admin: makes the one that the environment names, or returns a one-time setup link, which
 * kills the one of an earlier start. Null when nothing is to be done.
 * @throws {Error} in words when the named address is that of somebody else.
 */
export async function prepareSetup({
	db,
	env,
	outbox
}: {
	db: Db;
	env: Env;
	outbox: Outbox;
}): Promise<string | null> {
	if (await hasAdmin(db)) return null;
	const { PORTAL_ADMIN_EMAIL: address, PORTAL_ADMIN_PASSWORD: password } = env;
	if (address && password) {
		const passwordHash = await hashPassword(password);
		const create = () => createFirstAdmin({ db, config: env, outbox }, address, passwordHash);
		await create().catch((error: unknown) => {
			if (brokenIndex(error) !== 'account_email_key') throw error;
			// Somebody took the address in this very moment: another process of this portal, or a stranger.
			return create();
		});
		return null;
	}
	const token = createToken();
	await db
		.updateTable('portal')
		.set({ setupTokenHash: hashToken(token) })
		.execute();
	return `${env.ORIGIN}/setup/${token}`;
}

const token = linkToken;
const invalid = () => new Refusal('NOT_FOUND', 'INVALID_LINK', 'This setup link is not valid, or no longer.');

async function isValid(db: Db, token: string): Promise<boolean> {
	const row = await db
		.selectFrom('portal')
		.select('id')
		.where('setupTokenHash', '=', hashToken(token))
		.executeTakeFirst();
	return row !== undefined;
}

export const setupRouter = router({
	open: publicProcedure({ token }).query(async ({ ctx, input }) => ({
		isValid: await isValid(ctx.db, input.token)
	})),

	complete: publicProcedure({ token, ...names, email, password }).mutation(async ({ ctx, input }) => {
		const { token, password, ...person } = input;
		const bucket = { key: `setup:address:${ctx.address}`, max: 30, seconds: 900 };
		await limitGuesses(ctx.db, bucket, async () => {
			if (!(await isValid(ctx.db, token))) throw invalid();
		});
		const passwordHash = await hashPassword(password);
		const completing = transact(ctx.db, async (db) => {
			if (await hasAdmin(db)) throw invalid();
			const account = await createAccount(db, {
				...person,
				passwordHash,
				isPortalAdmin: true,
				emailVerifiedAt: new Date()
			});
			const handOver = await signIn(ctx, db, account);
			// The portal's row comes last in the order of locks; of two who complete at once, one finds the link used.
			const used = await db
				.updateTable('portal')
				.set({ setupTokenHash: null })
				.where('setupTokenHash', '=', hashToken(token))
				.returning('id')
				.executeTakeFirst();
			if (!used) throw invalid();
			return handOver;
		});
		const words = 'This address has an account already. Use another one.';
		const handOver = await refusingTaken(completing, {
			account_email_key: fieldRefusal('email', 'TAKEN', words)
		});
		handOver();
		return {};
	})
});
