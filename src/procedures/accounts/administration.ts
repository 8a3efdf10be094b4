import { sql, type Selectable } from 'kysely';
import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import { searchText } from '#lib/fields.ts';
import { searchKey } from '#lib/search.ts';
import {
	accountStatus,
	cursor,
	fullName,
	type Account,
	type AdminAccount,
	type Cursor,
	type Status
} from '#lib/views.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { holding, newestFirst, takePage } from '../../database/paging.ts';
import { publish, signal } from '../../news/publish.ts';
import { endSessions } from '../../identity/sessions.ts';
import type { Tables } from '../../database/tables.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { adminProcedure, ofOneMoment, router, type Context } from '../../api/trpc.ts';
import { accountViewOf } from './accounts.ts';
import { leaveEventsOf } from '../activity/activity.ts';
import { revokeInvitationsOf } from '../../people/invitations.ts';
import { warnOfLeaver } from '../members/members.ts';
import { getOrganizationView } from '../organizations/organizations.ts';
import { findMember, isLastSuperAdmin } from '../../people/members.ts';

/** What the portal admins do with people's accounts. */

const pageLength = 50;

async function listPage(
	db: Db,
	{ search, status }: { search: string; status: Account['status'] | null },
	after: Cursor | null
): Promise<{ accounts: AdminAccount[]; next: Cursor | null }> {
	const wanted = searchKey(search);
	const fitting = db
		.selectFrom('account')
		.selectAll()
		.select((eb) => [
			eb
				.selectFrom('membership')
				.innerJoin('organization', 'organization.id', 'membership.organizationId')
				.select(({ fn }) =>
					fn
						.coalesce(sql<string[]>`array_agg(organization.name order by organization.name)`, sql`'{}'`)
						.as('names')
				)
				.whereRef('membership.userId', '=', 'account.id')
				.where('organization.isPersonal', '=', false)
				.where('organization.status', '!=', 'withdrawn')
				.as('organizations')
		])
		.$if(status !== null, (query) => query.where('status', '=', status ?? 'active'))
		.$if(wanted !== '', (query) => query.where('searchKey', 'like', holding(wanted)));
	const { rows, next } = await takePage(fitting, newestFirst('account'), after, pageLength);
	return {
		accounts: rows.map((row) => ({
			...accountViewOf(row),
			organizations: row.organizations ?? [],
			lastSeenAt: isoOf(row.lastSeenAt)
		})),
		next
	};
}

/**
 * The organizations that a person belongs to or has invited somebody into, always in the same order. `member` is null
 * for who belongs to none, as a portal admin who has offered it to a partner, and for an account that isn't active.
 */
function selectOrganizationsOf(db: Db, userId: string) {
	return db
		.selectFrom('organization')
		.selectAll()
		.where('status', 'in', ['pending', 'approved', 'suspended', 'rejected'])
		.where((eb) =>
			eb.or([
				eb(
					'id',
					'in',
					eb
						.selectFrom('membership')
						.select('membership.organizationId')
						.where('membership.userId', '=', userId)
				),
				eb(
					'id',
					'in',
					eb
						.selectFrom('invitation')
						.select('invitation.organizationId')
						.where('invitation.invitedBy', '=', userId)
						.where('invitation.state', '=', 'pending')
				)
			])
		)
		.orderBy('id');
}

async function withMember(db: Db, organizations: Selectable<Tables['organization']>[], userId: string) {
	const found = [];
	for (const organization of organizations) {
		found.push({ organization, member: await findMember(db, organization.id, userId) });
	}
	return found;
}

/** Locks all of them, the personal space too. */
export async function lockOrganizations(db: Trx, userId: string) {
	return withMember(db, await selectOrganizationsOf(db, userId).forUpdate().execute(), userId);
}

async function lockCompanies(db: Trx, userId: string) {
	const found = await lockOrganizations(db, userId);
	return found.filter(({ organization }) => !organization.isPersonal);
}

type Companies = Awaited<ReturnType<typeof lockCompanies>>;

/** The names of the companies that would be without an active Super admin. */
async function findOrphans(db: Db, companies: Companies): Promise<string[]> {
	const orphans: string[] = [];
	for (const { organization, member } of companies) {
		// A request that nobody has approved is nobody else's company yet.
		if (organization.isPersonal || !member) continue;
		if (!['approved', 'suspended'].includes(organization.status)) continue;
		if (await isLastSuperAdmin(db, organization.id, member)) orphans.push(organization.name);
	}
	return orphans;
}

const wordsOf = (orphans: string[]) =>
	sentence`${orphans.join(', ')} would be without a Super admin. Make somebody else a Super admin first.`;
const lastAdminWords = 'The portal would be without an admin. Make somebody else a portal admin first.';

async function refuseLastSuperAdmin(db: Trx, companies: Companies): Promise<void> {
	const orphans = await findOrphans(db, companies);
	if (orphans.length > 0) throw new Refusal('CONFLICT', 'LAST_SUPER_ADMIN', wordsOf(orphans));
}

/** In words, why the account can't be deleted at the moment. */
export async function findObstacles(db: Db, userId: string): Promise<string[]> {
	const organizations = await selectOrganizationsOf(db, userId).execute();
	const orphans = await findOrphans(db, await withMember(db, organizations, userId));
	const admins = await selectAdmins(db, userId).execute();
	return [
		...(orphans.length > 0 ? [wordsOf(orphans)] : []),
		...(isLastAdmin(admins, userId) ? [lastAdminWords] : [])
	];
}

const selectAdmins = (db: Db, userId: string) =>
	db
		.selectFrom('account')
		.selectAll()
		.where((eb) => eb.or([eb('isPortalAdmin', '=', true), eb('id', '=', userId)]))
		.orderBy('id');

type AccountRow = Selectable<Tables['account']>;

const isLastAdmin = (rows: AccountRow[], id: string) =>
	rows.some((one) => one.id === id && one.isPortalAdmin) &&
	!rows.some((one) => one.id !== id && one.isPortalAdmin && one.status === 'active');

/**
 * Locks the account together with all portal admins, always in the same order: two admins who act on each other wait
 * here, and the second finds the first gone. Not against the foreign keys of what else is going on.
 */
async function lockWithAdmins(db: Trx, id: string) {
	const rows = await selectAdmins(db, id).forNoKeyUpdate().execute();
	const account = rows.find((one) => one.id === id);
	if (!account) throw notFound();
	return { account, isLastAdmin: isLastAdmin(rows, id) };
}

function refuseLastAdmin(isLastAdmin: boolean): void {
	if (isLastAdmin) throw new Refusal('CONFLICT', 'LAST_ADMIN', lastAdminWords);
}

/**
 * Takes an account and its personal space away for good. What the person made in companies stays there. The one way
 * for the person and for portal admins, with the same refusals.
 */
export async function deleteAccount(
	ctx: Parameters<typeof publish>[0] & Pick<Context, 'config' | 'outbox'>,
	accountId: string
): Promise<AccountRow> {
	const companies = await lockCompanies(ctx.db, accountId);
	const { account, isLastAdmin } = await lockWithAdmins(ctx.db, accountId);
	refuseLastAdmin(isLastAdmin);
	await refuseLastSuperAdmin(ctx.db, companies);
	const isCompany = ({ status }: { status: Status }) => ['approved', 'suspended'].includes(status);
	for (const { organization, member } of companies) {
		await revokeInvitationsOf({ ...ctx, organization }, accountId);
		if (member && isCompany(organization)) await warnOfLeaver(ctx, organization, member);
	}
	await endSessions(ctx.db, accountId);
	await ctx.outbox.enqueue(ctx.db, { name: fullName(account), address: account.email }, 'account-deleted', {
		firstName: account.firstName
	});
	const spaces = await ctx.db
		.deleteFrom('organization')
		.where('isPersonal', '=', true)
		.where('requestedBy', '=', accountId)
		.returning('id')
		.execute();
	await leaveEventsOf(
		ctx.db,
		spaces.map(({ id }) => id)
	);
	for (const { organization, member } of companies) {
		const { id, status: previousStatus } = organization;
		if (isCompany(organization)) {
			const name = ctx.actor.id === accountId ? 'member.left' : 'member.removed';
			if (member) await publish({ ...ctx, organization }, name, { member });
			continue;
		}
		// A request that is theirs alone goes with them.
		await ctx.db.updateTable('organization').set({ status: 'withdrawn' }).where('id', '=', id).execute();
		const withdrawn = await getOrganizationView(ctx.db, id);
		await publish({ ...ctx, organization }, 'organization.withdrawn', {
			organization: withdrawn,
			previousStatus
		});
	}
	await publish(ctx, 'account.deleted', { account: accountViewOf(account) });
	await ctx.db.deleteFrom('account').where('id', '=', accountId).execute();
	return account;
}

function refuseOneself(ctx: { user: { id: string } }, accountId: string): void {
	if (ctx.user.id !== accountId) return;
	throw new Refusal(
		'FORBIDDEN',
		'ONESELF',
		'Nobody does this to their own account. Ask another portal admin.'
	);
}

const person = { accountId: z.uuid() };

export const accountAdministrationRouter = router({
	/** Accounts, the newest first. */
	list: adminProcedure({
		search: searchText.default(''),
		status: accountStatus.nullable().default(null),
		after: cursor.nullable().default(null)
	})
		.use(ofOneMoment)
		.query(({ ctx, input }) => listPage(ctx.db, input, input.after)),

	/** Ends every session at once; the person keeps their memberships, and nobody sees them among the members. */
	deactivate: adminProcedure(person).mutation(async ({ ctx, input: { accountId } }) => {
		refuseOneself(ctx, accountId);
		const companies = await lockCompanies(ctx.db, accountId);
		const { account, isLastAdmin } = await lockWithAdmins(ctx.db, accountId);
		if (account.status !== 'active') {
			throw new Refusal('CONFLICT', 'DECIDED', `This account is ${account.status} already.`);
		}
		refuseLastAdmin(isLastAdmin);
		await refuseLastSuperAdmin(ctx.db, companies);
		await ctx.db.updateTable('account').set({ status: 'deactivated' }).where('id', '=', accountId).execute();
		for (const { organization, member } of companies) {
			await revokeInvitationsOf({ ...ctx, organization }, accountId);
			if (member) await warnOfLeaver(ctx, organization, member);
		}
		await endSessions(ctx.db, accountId);
		for (const { organization, member } of companies) {
			if (member) await publish({ ...ctx, organization }, 'member.deactivated', { member });
		}
		const view = accountViewOf({ ...account, status: 'deactivated' });
		await publish(ctx, 'account.deactivated', { account: view });
		return view;
	}),

	activate: adminProcedure(person).mutation(async ({ ctx, input: { accountId } }) => {
		await lockCompanies(ctx.db, accountId);
		const { account } = await lockWithAdmins(ctx.db, accountId);
		if (account.status !== 'deactivated') {
			throw new Refusal('CONFLICT', 'DECIDED', `This account is ${account.status}.`);
		}
		await ctx.db.updateTable('account').set({ status: 'active' }).where('id', '=', accountId).execute();
		for (const { organization, member } of await lockCompanies(ctx.db, accountId)) {
			if (member) await publish({ ...ctx, organization }, 'member.activated', { member });
		}
		const view = accountViewOf({ ...account, status: 'active' });
		await publish(ctx, 'account.activated', { account: view });
		return view;
	}),

	/** Makes somebody a portal admin, or no longer one; in force on their next call and on their open page. */
	setPortalAdmin: adminProcedure({ ...person, isPortalAdmin: z.boolean() }).mutation(
		async ({ ctx, input }) => {
			const { accountId, isPortalAdmin } = input;
			refuseOneself(ctx, accountId);
			const companies = await lockCompanies(ctx.db, accountId);
			const { account, isLastAdmin } = await lockWithAdmins(ctx.db, accountId);
			if (account.isPortalAdmin === isPortalAdmin) return accountViewOf(account);
			if (isPortalAdmin && (account.status !== 'active' || !account.emailVerifiedAt)) {
				throw new Refusal(
					'CONFLICT',
					'UNVERIFIED',
					'Only an active account with a confirmed address can be one.'
				);
			}
			if (!isPortalAdmin) refuseLastAdmin(isLastAdmin);
			await ctx.db.updateTable('account').set({ isPortalAdmin }).where('id', '=', accountId).execute();
			for (const { organization, member } of companies) {
				// What they offered to partners as a portal admin; what they sent as a Super admin holds.
				if (!member) await revokeInvitationsOf({ ...ctx, organization }, accountId);
			}
			const view = accountViewOf({ ...account, isPortalAdmin });
			await publish(ctx, isPortalAdmin ? 'account.madeAdmin' : 'account.removedAsAdmin', { account: view });
			await signal(ctx.db, { kind: 'account', userId: accountId, isRight: true });
			return view;
		}
	),

	delete: adminProcedure(person).mutation(async ({ ctx, input: { accountId } }) => {
		refuseOneself(ctx, accountId);
		return { name: fullName(await deleteAccount(ctx, accountId)) };
	})
});
