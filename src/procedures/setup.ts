import { email, firstName, lastName, linkToken, password } from '#lib/fields.ts';
import { brokenIndex, type Db } from '../database.ts';
import { signIn } from '../devices.ts';
import type { Env } from '../env.ts';
import { limit } from '../limits.ts';
import { hashPassword } from '../passwords.ts';
import { createToken, hashToken } from '../tokens.ts';
import { fieldRefusal, publicProcedure, Refusal, router } from '../trpc.ts';
import { createAccount } from './accounts.ts';

async function hasAdmin(db: Db): Promise<boolean> {
	const admin = await db
		.selectFrom('account')
		.select('id')
		.where('isPortalAdmin', '=', true)
		.executeTakeFirst();
	return admin !== undefined;
}

/**
 * While there is no portal admin: makes the one that the environment names, or returns a one-time setup link, which
 * kills the one of an earlier start. Null when nothing is to be done.
 */
export async function prepareSetup(
	db: Db,
	env: Pick<Env, 'ORIGIN' | 'PORTAL_ADMIN_EMAIL' | 'PORTAL_ADMIN_PASSWORD'>
): Promise<string | null> {
	if (await hasAdmin(db)) return null;
	if (env.PORTAL_ADMIN_EMAIL && env.PORTAL_ADMIN_PASSWORD) {
		const address = email.parse(env.PORTAL_ADMIN_EMAIL);
		const passwordHash = await hashPassword(env.PORTAL_ADMIN_PASSWORD);
		const creating = db.transaction().execute((trx) =>
			createAccount(trx, {
				email: address,
				passwordHash,
				firstName: 'Portal',
				lastName: 'Admin',
				isPortalAdmin: true,
				emailVerifiedAt: new Date()
			})
		);
		await creating.catch((error: unknown) => {
			// Another process of this portal, started in the same moment, was faster.
			if (brokenIndex(error) !== 'account_email_key') throw error;
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

export const setupRouter = router({
	open: publicProcedure({ token }).query(async ({ ctx, input }) => {
		const row = await ctx.db
			.selectFrom('portal')
			.select('id')
			.where('setupTokenHash', '=', hashToken(input.token))
			.executeTakeFirst();
		return { isValid: row !== undefined };
	}),

	complete: publicProcedure({ token, firstName, lastName, email, password }).mutation(
		async ({ ctx, input }) => {
			await limit(ctx.db, `setup:address:${ctx.address}`, 30, 900);
			const { token, password, ...person } = input;
			const passwordHash = await hashPassword(password);
			const completing = ctx.db.transaction().execute(async (db) => {
				const used = await db
					.updateTable('portal')
					.set({ setupTokenHash: null })
					.where('setupTokenHash', '=', hashToken(token))
					.returning('id')
					.executeTakeFirst();
				if (!used || (await hasAdmin(db))) throw invalid();
				const account = await createAccount(db, {
					...person,
					passwordHash,
					isPortalAdmin: true,
					emailVerifiedAt: new Date()
				});
				return signIn(ctx, db, account);
			});
			const handOver = await completing.catch((error: unknown) => {
				if (brokenIndex(error) !== 'account_email_key') throw error;
				throw fieldRefusal('email', 'TAKEN', 'This address has an account already. Use another one.');
			});
			handOver();
			return {};
		}
	)
});
