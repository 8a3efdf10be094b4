import { sql } from 'kysely';
import { z } from 'zod';
import { linkToken, names as namesSaid, password } from '#lib/fields.ts';
import { text } from '#lib/schema.ts';
import { role, roleLabels, type WaitingInvitation } from '#lib/views.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { holdOrganization } from '../../api/grants.ts';
import { anyOf } from '../../database/sets.ts';
import { signIn } from '../accounts/signing-in.ts';
import { limitGuesses } from '../../api/limits.ts';
import { hashPassword } from '../../identity/passwords.ts';
import type { Session } from '../../identity/sessions.ts';
import { hashToken } from '../../identity/tokens.ts';
import { fieldRefusal, notFound, Refusal } from '../../api/refusals.ts';
import { transact } from '../../database/transaction.ts';
import { inTurnOf } from '../../api/queues.ts';
import { personProcedure, publicProcedure, router, type Context } from '../../api/trpc.ts';
import { decline, join } from './answers.ts';
import { againWithAccount, createAccount, findAccount, publishAccount } from '../accounts/accounts.ts';
import { reasons, type InvitationState } from './invitations.ts';
import { findMember } from '../../people/members.ts';
import { welcomeOwner } from '../accounts/owners.ts';
import { isSignInOpen } from '../settings/settings.ts';
import { lockOrganizations } from '../accounts/administration.ts';
import { inviterName, selectInvitations, type InvitationRow } from '../../people/invitations.ts';

/** The invitee's side of an invitation: whoever holds the link's token, or has verified the address, has proven it. */

function stateOf(row: InvitationRow): InvitationState {
	if (row.state !== 'pending') return row.state;
	if (row.expiresAt.getTime() <= Date.now()) return 'expired';
	return row.organizationStatus === 'approved' ? 'pending' : 'unavailable';
}

const findByToken = (db: Db, token: string) =>
	selectInvitations(db).where('invitation.tokenHash', '=', hashToken(token)).executeTakeFirst();

/**
 * An invitation by its id, for a signed-in person: nobody's but of whom the verified address is. Read in the
 * transaction, since the session was read before it.
 */
const findMine = (db: Db, userId: string, id: string) =>
	selectInvitations(db)
		.innerJoin('account as invitee', 'invitee.email', 'invitation.email')
		.where('invitation.id', '=', id)
		.where('invitee.id', '=', userId)
		.where('invitee.status', '=', 'active')
		.where('invitee.emailVerifiedAt', 'is not', null)
		.executeTakeFirst();

/** The invitations that these people can accept now if their address is verified, the newest first. */
export const selectWaiting = (db: Db, userIds: string[]) =>
	selectInvitations(db)
		.innerJoin('account as invitee', 'invitee.email', 'invitation.email')
		.select('invitee.id as inviteeId')
		.where('invitee.id', '=', anyOf(userIds))
		.where('invitee.emailVerifiedAt', 'is not', null)
		.where('invitation.state', '=', 'pending')
		.where('invitation.expiresAt', '>', sql<Date>`now()`)
		.where('organization.status', '=', 'approved')
		.orderBy('invitation.sentAt', 'desc');

export const waitingViewOf = (row: InvitationRow): WaitingInvitation => ({
	id: row.id,
	organizationName: row.organizationName,
	inviterName: inviterName(row),
	role: row.role,
	expiresAt: isoOf(row.expiresAt)
});

function refuseUnlessOpen(row: InvitationRow | undefined): InvitationRow {
	const state = row ? stateOf(row) : 'invalid';
	if (row && state === 'pending') return row;
	throw new Refusal('CONFLICT', state.toUpperCase(), state === 'pending' ? reasons.invalid : reasons[state]);
}

/** Holds the invitation's organization, which never changes, and returns the invitation if it is open under that lock. */
async function lockOpen(
	db: Trx,
	organizationId: string,
	find: () => Promise<InvitationRow | undefined>,
	absent: Refusal
): Promise<InvitationRow> {
	await holdOrganization(db, organizationId);
	const found = await find();
	if (!found) throw absent;
	return refuseUnlessOpen(found);
}

const lockByToken = (db: Trx, organizationId: string, token: string) =>
	lockOpen(
		db,
		organizationId,
		() => findByToken(db, token),
		new Refusal('NOT_FOUND', 'INVALID', reasons.invalid)
	);

const lockMine = (db: Trx, organizationId: string, userId: string, id: string) =>
	lockOpen(db, organizationId, () => findMine(db, userId, id), notFound());

/**
 * The names in the invitation; where the list that it comes from had none, those of the proven account of the address.
 * Null: whoever joins has to say them.
 */
async function findNames(
	db: Trx,
	{ firstName, lastName, email }: InvitationRow
): Promise<{ firstName: string; lastName: string } | null> {
	if (firstName || lastName) return { firstName, lastName };
	const account = await findAccount(db, email);
	return account?.emailVerifiedAt ? { firstName: account.firstName, lastName: account.lastName } : null;
}

/** Enough to recognise the own address, and too little to learn somebody else's. */
const masked = (email: string) => email.replace(/(?<=^.).*(?=@)/, '••••');

const mustSignIn = (email: string) =>
	new Refusal('FORBIDDEN', 'SIGN_IN', `${email} has an account. Sign in to answer.`);

/**
 * The account of the address, if there is one. Who answers as a proven account has to be signed in with exactly that.
 * @throws {Refusal} FORBIDDEN, and the invitation stays as it is.
 */
async function checkPerson(db: Trx, row: InvitationRow, session: Session | null) {
	const account = await findAccount(db, row.email);
	if (session && session.user.email !== row.email) {
		throw new Refusal(
			'FORBIDDEN',
			'OTHER_ACCOUNT',
			`You are signed in as ${session.user.email}, but this invitation is for ${masked(row.email)}.`
		);
	}
	if (session && !account?.emailVerifiedAt) {
		throw new Refusal(
			'FORBIDDEN',
			'UNVERIFIED',
			'Verify your e-mail address first, or sign out and open the link again.'
		);
	}
	if (!session && account?.emailVerifiedAt) {
		throw mustSignIn(row.email);
	}
	return account;
}

/** The person who joins: the signed-in owner of the address, or an account that the proven address creates or wins back. */
async function findOrCreatePerson(
	ctx: Pick<Context, 'config' | 'outbox' | 'session'>,
	db: Trx,
	row: InvitationRow,
	passwordHash: string | null,
	names: { firstName: string; lastName: string }
): Promise<{ id: string; isNew: boolean }> {
	const account = await checkPerson(db, row, ctx.session);
	if (account && ctx.session) return { id: account.id, isNew: false };
	if (account?.status === 'rejected') {
		throw new Refusal('FORBIDDEN', 'ACCOUNT_REJECTED', 'The portal’s team has rejected this account.');
	}
	if (account?.status === 'deactivated') {
		throw new Refusal('FORBIDDEN', 'ACCOUNT_DEACTIVATED', 'The portal’s team has deactivated this account.');
	}
	if (!passwordHash) throw fieldRefusal('password', 'INVALID', 'The password is missing.');
	const emailVerifiedAt = new Date();
	if (!account) {
		const created = await createAccount(db, { email: row.email, passwordHash, ...names, emailVerifiedAt });
		await publishAccount(db, 'account.registered', created);
		return { id: created.id, isNew: true };
	}
	// Somebody registered the address without ever proving that it is theirs. It is the invitee's, who has just done
	// that: whoever came first is out.
	const places = await lockOrganizations(db, account.id);
	const proven = await db
		.updateTable('account')
		.set({ passwordHash, ...names, emailVerifiedAt, status: 'active' })
		.where('id', '=', account.id)
		.where('emailVerifiedAt', 'is', null)
		.returningAll()
		.executeTakeFirst();
	if (!proven) throw mustSignIn(row.email);
	await welcomeOwner(ctx, db, proven, places, null);
	await publishAccount(db, 'account.verified', proven);
	return { id: account.id, isNew: true };
}

/** What the page said when its button was drawn. */
const shown = z.strictObject({ organizationName: text(200), role });

/** Nobody becomes by a press what the page did not say. @throws {Refusal} CONFLICT; the invitation stays as it is. */
function refuseChanged(row: InvitationRow, said: z.infer<typeof shown> | undefined): void {
	if (!said || (said.organizationName === row.organizationName && said.role === row.role)) return;
	throw new Refusal(
		'CONFLICT',
		'CHANGED',
		`The invitation has changed since this page was opened: it is for ${row.organizationName}, as ${roleLabels[row.role]}.`
	);
}

/** Before any work for it: a token that is none counts as a guess, and a link that is over costs no hash. */
async function getAnswerable(ctx: Pick<Context, 'db' | 'address'>, token: string): Promise<InvitationRow> {
	const bucket = { key: `accept:address:${ctx.address}`, max: 60, seconds: 900 };
	const row = await limitGuesses(ctx.db, bucket, async () => {
		const found = await findByToken(ctx.db, token);
		if (!found) throw new Refusal('NOT_FOUND', 'INVALID', reasons.invalid);
		return found;
	});
	refuseUnlessOpen(row);
	return row;
}

/** Under the lock of the organization's row, in turn with what else changes it. */
async function answerMine<Result>(
	ctx: { db: Db; user: { id: string } },
	input: { invitationId: string; shown?: z.infer<typeof shown> | undefined },
	answer: (db: Trx, row: InvitationRow) => Promise<Result>
): Promise<Result> {
	const found = await findMine(ctx.db, ctx.user.id, input.invitationId);
	if (!found) throw notFound();
	return inTurnOf(found.organizationId, () =>
		transact(ctx.db, async (db) => {
			const row = await lockMine(db, found.organizationId, ctx.user.id, input.invitationId);
			refuseChanged(row, input.shown);
			return answer(db, row);
		})
	);
}

export const acceptancesRouter = router({
	/**
	 * What the link's page shows before any form. A wrong token is told nothing, a link that is over only whom to ask,
	 * and whoever is signed in as somebody else not even the whole address.
	 */
	open: publicProcedure({ token: linkToken }).query(async ({ ctx, input }) => {
		const row = await findByToken(ctx.db, input.token);
		if (!row) return { state: 'invalid' as const };
		const { organizationName, isRevealRestricted, isAccessRestricted, role, email, firstName, lastName } =
			row;
		const { user } = ctx.session ?? {};
		const from = { organizationName, inviterName: inviterName(row) };
		const isForMe = user?.email === email;
		const state = stateOf(row);
		if (state !== 'pending') {
			const isMember = isForMe && (await findMember(ctx.db, row.organizationId, user.id)) !== null;
			// Whose link has been used, and who is a member, has somewhere to go.
			return { state, ...from, slug: state !== 'unavailable' && isMember ? row.organizationSlug : null };
		}
		const common = {
			state,
			...from,
			isRevealRestricted,
			isAccessRestricted,
			role,
			expiresAt: isoOf(row.expiresAt)
		};
		if (user && !isForMe) {
			return { ...common, who: 'other' as const, signedInAs: user.email, email: masked(email) };
		}
		if (user?.isEmailVerified) return { ...common, who: 'me' as const, email };
		if (user) return { ...common, who: 'unverified' as const, email };
		const account = await findAccount(ctx.db, email);
		// An address that was never proven is nobody's account yet: its owner sets a password.
		return account?.emailVerifiedAt
			? { ...common, who: 'known' as const, email }
			: { ...common, who: 'new' as const, email, firstName, lastName };
	}),

	/**
	 * Organization, role and address come from the invitation's row alone. A new person is signed in, unless signing in is
	 * switched off: then they are a member all the same, and sign in when they can.
	 */
	accept: publicProcedure({
		token: linkToken,
		password: password.optional(),
		firstName: namesSaid.firstName.optional(),
		lastName: namesSaid.lastName.optional(),
		shown: shown.optional()
	}).mutation(async ({ ctx, input }) => {
		const { organizationId } = await getAnswerable(ctx, input.token);
		const passwordHash = input.password && !ctx.session ? await hashPassword(input.password) : null;
		const joining = () =>
			transact(ctx.db, async (db) => {
				const row = await lockByToken(db, organizationId, input.token);
				refuseChanged(row, input.shown);
				const known = await findNames(db, row);
				const { firstName = known?.firstName, lastName = known?.lastName } = input;
				// One of them may be empty, when it is said to be.
				const isNameless = !firstName && !lastName;
				if (isNameless || firstName === undefined)
					throw fieldRefusal('firstName', 'INVALID', 'The first name is missing.');
				if (lastName === undefined) throw fieldRefusal('lastName', 'INVALID', 'The last name is missing.');
				const names = { firstName, lastName };
				const person = await findOrCreatePerson(ctx, db, row, passwordHash, names);
				await join(ctx, db, row, { id: person.id, ...names });
				const account = { ...names, ...person, email: row.email, emailVerifiedAt: new Date() };
				const isSigningIn = person.isNew && (await isSignInOpen(db, { isPortalAdmin: false }));
				return {
					slug: row.organizationSlug,
					isSignedIn: isSigningIn || !person.isNew,
					handOver: isSigningIn ? await signIn(ctx, db, account) : null
				};
			});
		const joined = await inTurnOf(organizationId, () => againWithAccount(joining));
		joined.handOver?.();
		return { slug: joined.slug, isSignedIn: joined.isSignedIn };
	}),

	decline: publicProcedure({ token: linkToken, shown: shown.optional() }).mutation(async ({ ctx, input }) => {
		const { organizationId } = await getAnswerable(ctx, input.token);
		const declining = () =>
			transact(ctx.db, async (db) => {
				const row = await lockByToken(db, organizationId, input.token);
				refuseChanged(row, input.shown);
				await checkPerson(db, row, ctx.session);
				await decline(ctx, db, row);
				return { organizationName: row.organizationName };
			});
		return inTurnOf(organizationId, declining);
	}),

	/** Without the link: whoever is signed in with the verified address has proven it as well. */
	acceptMine: personProcedure({ invitationId: z.uuid(), shown: shown.optional() }).mutation(
		async ({ ctx, input }) =>
			answerMine(ctx, input, async (db, row) => {
				const names = (await findNames(db, row)) ?? ctx.user;
				await join(ctx, db, row, { id: ctx.user.id, firstName: names.firstName, lastName: names.lastName });
				return { slug: row.organizationSlug, organizationName: row.organizationName };
			})
	),

	declineMine: personProcedure({ invitationId: z.uuid(), shown: shown.optional() }).mutation(
		async ({ ctx, input }) =>
			answerMine(ctx, input, async (db, row) => {
				await decline(ctx, db, row);
				return { organizationName: row.organizationName };
			})
	)
});
