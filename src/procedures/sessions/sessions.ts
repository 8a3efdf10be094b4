import { z } from 'zod';
import { normalizeEmail } from '#lib/email-addresses.ts';
import { givenPassword } from '#lib/fields.ts';
import { text } from '#lib/schema.ts';
import type { Account } from '#lib/views.ts';
import { compileTogether } from '../../database/together.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { gather } from '../../database/gathering.ts';
import { anyOf } from '../../database/sets.ts';
import { signIn } from '../accounts/signing-in.ts';
import { signInBuckets } from '../../identity/sign-in-limits.ts';
import { limitFailures } from '../../api/limits.ts';
import { verifyPassword } from '../../identity/passwords.ts';
import { endOtherSessions, endSession, listSessions } from '../../identity/sessions.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { publicProcedure, router, userProcedure } from '../../api/trpc.ts';
import { selectWaiting, waitingViewOf } from '../invitations/acceptances.ts';
import { accountViewOf, findAccount } from '../accounts/accounts.ts';
import { isSignInOpen, selectSettings, settingsOf } from '../settings/settings.ts';

/** The organizations of these people as the switcher lists them, the personal space first. */
const selectOwn = (db: Db, userIds: string[]) =>
	db
		.selectFrom('membership')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select([
			'membership.userId',
			'organization.id',
			'organization.slug',
			'organization.name',
			'organization.status',
			'organization.isPersonal',
			'organization.rejectionReason',
			'organization.lastSeq as seq',
			'membership.role',
			'membership.seenSeq',
			'membership.visitedAt'
		])
		.where('membership.userId', '=', anyOf(userIds))
		.where('organization.status', '!=', 'withdrawn')
		.orderBy('organization.isPersonal', 'desc')
		.orderBy('organization.name');

/** Of the portal: what every page needs, whoever reads it. */
const selectCommon = (db: Db) => ({
	settings: selectSettings(db),
	admins: db.selectFrom('account').select('id').where('isPortalAdmin', '=', true).limit(1)
});
const askForVisitor = compileTogether(selectCommon);
const askForAccounts = compileTogether((db: Db, userIds: string[]) => ({
	...selectCommon(db),
	accounts: db.selectFrom('account').selectAll().where('id', '=', anyOf(userIds)),
	organizations: selectOwn(db, userIds),
	waiting: selectWaiting(db, userIds)
}));
/** By a person's id; the pages of many who come back at once are asked for together. */
const askForAccount = gather(async (db, userIds) => {
	const { accounts, organizations, waiting, ...common } = await askForAccounts(db, userIds);
	const organizationsOf = Map.groupBy(organizations, ({ userId }) => userId);
	const waitingFor = Map.groupBy(waiting, ({ inviteeId }) => inviteeId);
	return new Map(
		accounts.map((account) => {
			const { id } = account;
			const own = { organizations: organizationsOf.get(id) ?? [], waiting: waitingFor.get(id) ?? [] };
			return [id, { ...common, account, ...own }];
		})
	);
});
const commonOf = ({ settings, admins }: Awaited<ReturnType<typeof askForVisitor>>) => ({
	settings: settingsOf(settings),
	isSetUp: admins.length > 0,
	now: new Date().toISOString()
});

function wrongCredentials(): Refusal {
	const message = 'The e-mail address or the password is not right.';
	return new Refusal('BAD_REQUEST', 'WRONG_CREDENTIALS', message, { password: message });
}

function refuseInactive(status: Account['status']): void {
	if (status === 'active') return;
	const reasons = {
		pending: 'Your account waits for the approval of the portal’s team. We’ll write to you.',
		rejected: 'The portal’s team has rejected this account.',
		deactivated: 'The portal’s team has deactivated this account.'
	};
	throw new Refusal('FORBIDDEN', `ACCOUNT_${status.toUpperCase()}`, reasons[status]);
}

export const sessionsRouter = router({
	/** What every page needs: the settings, what time it is here, and who is signed in with which organizations and open invitations. */
	get: publicProcedure({}).query(async ({ ctx: { db, session } }) => {
		const nobody = { account: null, organizations: [], invitations: [] };
		const found = session && (await askForAccount(db, session.user.id));
		// Nobody, or deleted since the session was looked up.
		if (!found) return { ...commonOf(await askForVisitor(db)), ...nobody };
		return {
			...commonOf(found),
			account: accountViewOf(found.account),
			organizations: found.organizations.map(({ userId: _, ...row }) => ({
				...row,
				visitedAt: isoOf(row.visitedAt)
			})),
			invitations: found.waiting.map(waitingViewOf)
		};
	}),

	create: publicProcedure({ email: text(300), password: givenPassword }).mutation(async ({ ctx, input }) => {
		const { db } = ctx;
		const email = normalizeEmail(input.email) ?? '';
		const from = { email, address: ctx.address, deviceToken: ctx.device.token };
		const trying = limitFailures(db, await signInBuckets(db, from), async () => {
			const known = await findAccount(db, email);
			const isRight = await verifyPassword(known?.passwordHash, input.password);
			if (!known || !isRight) throw wrongCredentials();
			return transact(db, async (trx) => {
				// The lock lets a new password, a deactivation or the end of the account come first or wait.
				const account = await trx
					.selectFrom('account')
					.selectAll()
					.where('id', '=', known.id)
					.forNoKeyUpdate()
					.executeTakeFirst();
				if (account?.passwordHash !== known.passwordHash) throw wrongCredentials();
				refuseInactive(account.status);
				if (!(await isSignInOpen(trx, account))) {
					throw new Refusal('FORBIDDEN', 'SIGN_IN_DISABLED', 'Signing in is switched off at the moment.');
				}
				return [account, await signIn(ctx, trx, account)] as const;
			});
		});
		const [account, handOver] = await trying;
		handOver();
		return { redirectTo: account.isPortalAdmin ? '/admin' : '/dashboard' };
	}),

	delete: publicProcedure({}).mutation(async ({ ctx }) => {
		if (ctx.session) await endSession(ctx.db, ctx.session.id, ctx.session.user.id);
		ctx.setSessionToken(null);
		return {};
	}),

	/** Where the person is signed in, this device first. */
	list: userProcedure({}).query(async ({ ctx }) => {
		const rows = await listSessions(ctx.db, ctx.user.id);
		return rows
			.map(({ id, publicId, device, address, createdAt, lastSeenAt }) => ({
				id: publicId,
				device,
				address,
				createdAt: isoOf(createdAt),
				lastSeenAt: isoOf(lastSeenAt),
				isCurrent: id === ctx.session.id
			}))
			.toSorted((one, other) => Number(other.isCurrent) - Number(one.isCurrent));
	}),

	/** Signs the person out on another device. Its pages are closed on every server at the commit. */
	end: userProcedure({ sessionId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const ended = (await listSessions(ctx.db, ctx.user.id)).find((one) => one.publicId === input.sessionId);
		if (!ended) throw notFound();
		await endSession(ctx.db, ended.id, ctx.user.id);
		if (ended.id === ctx.session.id) ctx.setSessionToken(null);
		return {};
	}),

	endOthers: userProcedure({}).mutation(async ({ ctx }) => {
		await endOtherSessions(ctx.db, ctx.user.id, ctx.session.id);
		return {};
	})
});
