import { createHash } from 'node:crypto';
import { z } from 'zod';
import { normalizeEmail } from '#lib/fields.ts';
import type { Db } from '../database.ts';
import { limit } from '../limits.ts';
import { verifyPassword } from '../passwords.ts';
import { createSession, endSession } from '../session.ts';
import { publicProcedure, Refusal, router } from '../trpc.ts';
import { accountViewOf } from './accounts.ts';
import { getSettings } from './settings.ts';

/** The organizations of a person as the switcher lists them, the personal space first. */
async function listOrganizations(db: Db, userId: string) {
	return db
		.selectFrom('membership')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select([
			'organization.id',
			'organization.slug',
			'organization.name',
			'organization.status',
			'organization.isPersonal',
			'organization.rejectionReason',
			'membership.role'
		])
		.where('membership.userId', '=', userId)
		.where('organization.status', '!=', 'withdrawn')
		.orderBy('organization.isPersonal', 'desc')
		.orderBy('organization.name')
		.execute();
}

export const sessionsRouter = router({
	/** What every page needs: the settings, and who is signed in with which organizations. */
	get: publicProcedure({}).query(async ({ ctx: { db, session } }) => {
		const [settings, admin] = await Promise.all([
			getSettings(db),
			db.selectFrom('account').select('id').where('isPortalAdmin', '=', true).limit(1).executeTakeFirst()
		]);
		const common = { settings, isSetUp: admin !== undefined };
		if (!session) return { ...common, account: null, organizations: [] };
		const [account, organizations] = await Promise.all([
			db.selectFrom('account').selectAll().where('id', '=', session.user.id).executeTakeFirstOrThrow(),
			listOrganizations(db, session.user.id)
		]);
		return { ...common, account: accountViewOf(account), organizations };
	}),

	create: publicProcedure({ email: z.string().max(300), password: z.string().max(1000) }).mutation(
		async ({ ctx, input }) => {
			const { db } = ctx;
			const email = normalizeEmail(input.email) ?? '';
			const about = createHash('sha256').update(email).digest('hex');
			await limit(db, `sign-in:address:${ctx.address}`, 60, 900);
			await limit(db, `sign-in:account:${about}`, 10, 900);

			const account = await db
				.selectFrom('account')
				.select(['id', 'passwordHash', 'status', 'isPortalAdmin'])
				.where('email', '=', email)
				.executeTakeFirst();
			if (!(await verifyPassword(account?.passwordHash, input.password)) || !account) {
				const message = 'The e-mail address or the password is not right.';
				throw new Refusal('BAD_REQUEST', 'WRONG_CREDENTIALS', message, { password: message });
			}
			if (account.status === 'pending') {
				throw new Refusal(
					'FORBIDDEN',
					'ACCOUNT_PENDING',
					'Your account waits for the approval of the portal’s team. We’ll write to you.'
				);
			}
			if (account.status === 'rejected') {
				throw new Refusal('FORBIDDEN', 'ACCOUNT_REJECTED', 'The portal’s team has rejected this account.');
			}
			if (account.status === 'deactivated') {
				throw new Refusal(
					'FORBIDDEN',
					'ACCOUNT_DEACTIVATED',
					'The portal’s team has deactivated this account.'
				);
			}
			const { canSignIn } = await getSettings(db);
			if (!canSignIn && !account.isPortalAdmin) {
				throw new Refusal('FORBIDDEN', 'SIGN_IN_DISABLED', 'Signing in is switched off at the moment.');
			}
			if (ctx.session) await endSession(db, ctx.session.id);
			ctx.setSessionToken(await createSession(db, account.id));
			return { redirectTo: account.isPortalAdmin ? '/admin' : '/dashboard' };
		}
	),

	delete: publicProcedure({}).mutation(async ({ ctx }) => {
		if (ctx.session) await endSession(ctx.db, ctx.session.id);
		ctx.setSessionToken(null);
		return {};
	})
});
