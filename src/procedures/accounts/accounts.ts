import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { email, names, password } from '#lib/fields.ts';
import { fullName, type Account } from '#lib/views.ts';
import { brokenIndex, isoOf, type Db, type Trx } from '../../database/database.ts';
import { limit } from '../../api/limits.ts';
import { createLink } from '../../identity/links.ts';
import { publish, signal } from '../../news/publish.ts';
import { hashPassword } from '../../identity/passwords.ts';
import type { Tables } from '../../database/tables.ts';
import { notFound, Refusal, tooMany } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { adminProcedure, publicProcedure, router, type Context } from '../../api/trpc.ts';
import { getSettings, lockSettings } from '../settings/settings.ts';
import { listAdminReaders } from '../../people/admins.ts';

export function accountViewOf(row: Selectable<Tables['account']>): Account {
	const { id, email, firstName, lastName, status, isPortalAdmin, isNotified } = row;
	return {
		id,
		email,
		firstName,
		lastName,
		status,
		isPortalAdmin,
		isNotified,
		isEmailVerified: row.emailVerifiedAt !== null,
		createdAt: isoOf(row.createdAt)
	};
}

/** Once more where somebody has registered the address in the same moment: then their account is there to be seen. */
export function againWithAccount<Result>(run: () => Promise<Result>): Promise<Result> {
	return run().catch((error: unknown) => {
		if (brokenIndex(error) !== 'account_email_key') throw error;
		return run();
	});
}

/**
 * Inserts an account with its personal space. Never touches an account that is there.
 * @throws the database's error for a taken e-mail address.
 */
export async function createAccount(
	db: Trx,
	values: {
		email: string;
		passwordHash: string;
		firstName: string;
		lastName: string;
		status?: Account['status'];
		isPortalAdmin?: boolean;
		emailVerifiedAt?: Date;
	}
): Promise<Selectable<Tables['account']>> {
	const account = await db.insertInto('account').values(values).returningAll().executeTakeFirstOrThrow();
	const space = await db
		.insertInto('organization')
		.values({
			slug: `personal-${randomBytes(5).toString('hex')}`,
			name: 'Personal space',
			nameKey: 'personal space',
			status: 'approved',
			isPersonal: true,
			requestedBy: account.id
		})
		.returning('id')
		.executeTakeFirstOrThrow();
	await db
		.insertInto('membership')
		.values({
			organizationId: space.id,
			userId: account.id,
			firstName: account.firstName,
			lastName: account.lastName,
			role: 'super_admin'
		})
		.execute();
	return account;
}

/** Makes the newest verification link the only one and mails it, unless the address has got enough of them. */
export async function sendVerification(
	ctx: Pick<Context, 'config' | 'outbox'>,
	db: Trx,
	account: { id: string; email: string; firstName: string; lastName: string }
): Promise<boolean> {
	const to = { name: fullName(account), address: account.email };
	const sent = await ctx.outbox.enqueue(db, to, 'account-registered', async () => {
		const token = await createLink(db, 'verification', account.id, account.email);
		return { firstName: account.firstName, verifyUrl: `${ctx.config.ORIGIN}/verify-email/${token}` };
	});
	return sent !== null;
}

/** Said only to who is signed in: what strangers are told doesn't depend on it. */
export const enoughMails = () =>
	tooMany(
		'This address has got enough of these e-mails. Open the newest one, or try again in an hour.',
		3600
	);

/** Tells the portal's admins what a person did with their own account, and the person's open pages. */
export async function publishAccount(
	db: Trx,
	name: 'account.registered' | 'account.verified' | 'account.passwordChanged',
	account: Selectable<Tables['account']>
): Promise<void> {
	const actor = { id: account.id, name: fullName(account), kind: 'developer' as const };
	await publish({ db, actor }, name, { account: accountViewOf(account) });
	await signal(db, { kind: 'account', userId: account.id });
}

/** Only now: an address that nobody has proven is nothing to decide about. */
export async function tellAdmins(
	ctx: Pick<Context, 'config' | 'outbox'>,
	db: Trx,
	account: { email: string; firstName: string; lastName: string }
): Promise<void> {
	const props = {
		requesterName: fullName(account),
		requesterEmail: account.email,
		reviewUrl: `${ctx.config.ORIGIN}/admin/users?search=${encodeURIComponent(account.email)}`
	};
	const readers = await listAdminReaders(db);
	await ctx.outbox.enqueueMany(
		db,
		'account-waiting',
		readers.map((to) => ({ to, props }))
	);
}

export async function findAccount(db: Db, address: string) {
	return db.selectFrom('account').selectAll().where('email', '=', address).executeTakeFirst();
}

export const accountsRouter = router({
	/** Answers the same for a free and for a taken address; the owner of a taken one is told by e-mail. */
	register: publicProcedure({ ...names, email, password }).mutation(async ({ ctx, input }) => {
		// Many colleagues register behind one address in an hour; a stranger does no more than they do.
		await limit(ctx.db, `register:address:${ctx.address}`, 200, 3600);
		const { password, ...person } = input;
		const passwordHash = await hashPassword(password);
		const registering = transact(ctx.db, async (db) => {
			const known = await findAccount(db, input.email);
			const account = known ?? (await createAccount(db, { ...person, passwordHash, status: 'pending' }));
			// After the account's row, as everywhere; what it says now holds until the commit.
			const settings = await lockSettings(db);
			if (!settings.canRegister) {
				throw new Refusal('FORBIDDEN', 'REGISTRATION_DISABLED', 'Registering is switched off at the moment.');
			}
			const status = settings.isAutoApprovingAccounts ? 'active' : 'pending';
			if (known) {
				await ctx.outbox.enqueue(db, { name: fullName(known), address: known.email }, 'account-exists', {
					firstName: known.firstName,
					signInUrl: `${ctx.config.ORIGIN}/login`
				});
				return status;
			}
			await db.updateTable('account').set({ status }).where('id', '=', account.id).execute();
			await publishAccount(db, 'account.registered', { ...account, status });
			await sendVerification(ctx, db, account);
			return status;
		});
		// Somebody else took the address in this very moment: the same answer as if they had come first.
		const status = await registering.catch(async (error: unknown) => {
			if (brokenIndex(error) !== 'account_email_key') throw error;
			return (await getSettings(ctx.db)).isAutoApprovingAccounts ? 'active' : 'pending';
		});
		return { status };
	}),

	/** The portal's own team, the longest there first. */
	listAdmins: adminProcedure({}).query(async ({ ctx }) => {
		const rows = await ctx.db
			.selectFrom('account')
			.selectAll()
			.where('isPortalAdmin', '=', true)
			.orderBy('createdAt')
			.execute();
		return rows.map(accountViewOf);
	}),

	/** Whether a portal admin is written to about requests. */
	setNotified: adminProcedure({ accountId: z.uuid(), isNotified: z.boolean() }).mutation(
		async ({ ctx, input }) => {
			const account = await ctx.db
				.updateTable('account')
				.set({ isNotified: input.isNotified })
				.where('id', '=', input.accountId)
				.where('isPortalAdmin', '=', true)
				.returningAll()
				.executeTakeFirst();
			if (!account) throw notFound();
			const view = accountViewOf(account);
			await publish(ctx, 'account.notificationsChanged', { account: view });
			return view;
		}
	),

	approve: adminProcedure({ accountId: z.uuid() }).mutation(({ ctx, input }) =>
		decide(ctx, input.accountId, 'active')
	),

	reject: adminProcedure({ accountId: z.uuid() }).mutation(({ ctx, input }) =>
		decide(ctx, input.accountId, 'rejected')
	)
});

/** A guarded update: of two admins who decide at once, the second is refused. */
async function decide(
	ctx: Pick<Context, 'config' | 'outbox'> & Parameters<typeof publish>[0],
	accountId: string,
	status: 'active' | 'rejected'
): Promise<Account> {
	const account = await ctx.db
		.updateTable('account')
		.set({ status })
		.where('id', '=', accountId)
		.where('status', '=', 'pending')
		.returningAll()
		.executeTakeFirst();
	if (!account) {
		const known = await ctx.db
			.selectFrom('account')
			.select('status')
			.where('id', '=', accountId)
			.executeTakeFirst();
		if (!known) throw notFound();
		throw new Refusal('CONFLICT', 'DECIDED', `This account is ${known.status} already.`);
	}
	const view = accountViewOf(account);
	const isApproved = status === 'active';
	const to = { name: fullName(account), address: account.email };
	if (isApproved) {
		await ctx.outbox.enqueue(ctx.db, to, 'account-approved', {
			firstName: account.firstName,
			signInUrl: `${ctx.config.ORIGIN}/login`
		});
	} else {
		await ctx.outbox.enqueue(ctx.db, to, 'account-rejected', { firstName: account.firstName });
	}
	await publish(ctx, isApproved ? 'account.approved' : 'account.rejected', { account: view });
	return view;
}
