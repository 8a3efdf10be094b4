import { sql } from 'kysely';
import { z } from 'zod';
import { searchText } from '#lib/fields.ts';
import { rosterFilters, type PeopleCounts, type RosterFilter } from '#lib/people.ts';
import { searchKey } from '#lib/search.ts';
import { cursor, nameCursor, type Cursor, type Member } from '#lib/views.ts';
import { namesAtMost } from '#lib/wire.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { holding, takePage, type Order } from '../../database/paging.ts';
import { idsIn } from '../../database/sets.ts';
import { fieldRefusal } from '../../api/refusals.ts';
import { gatheredProcedure, organizationProcedure, router } from '../../api/trpc.ts';
import { invitationViewOf, selectPending } from '../../people/invitations.ts';
import { memberViewOf, selectMembers } from '../../people/members.ts';

/** Members and invited people of an organization that has too many of them to be told all at once. */

const pageLength = 100;

/** The name and the address, as pages have them too (`text` in routes/orgs/[slug]/users/roster.ts). An address is its own key. */
const textOf = (key: string, email: string) =>
	sql<string>`coalesce(nullif(${sql.ref(key)}, ''), ${sql.ref(email)}) || ' ' || ${sql.ref(email)}`;

/** Everybody whom the list of people shows, with what they are found and sorted by. */
const selectEntries = (db: Db, organizationId: string) =>
	db.selectFrom(
		db
			.selectFrom('membership')
			.innerJoin('account', 'account.id', 'membership.userId')
			.select([
				'membership.id',
				'membership.role',
				'membership.joinedAt as at',
				sql<boolean>`false`.as('isInvited'),
				textOf('membership.nameKey', 'account.email').as('text')
			])
			.where('membership.organizationId', '=', organizationId)
			.where('account.status', '=', 'active')
			.unionAll(
				db
					.selectFrom('invitation')
					.select([
						'invitation.id',
						'invitation.role',
						'invitation.sentAt as at',
						sql<boolean>`true`.as('isInvited'),
						textOf('invitation.nameKey', 'invitation.email').as('text')
					])
					.where('invitation.organizationId', '=', organizationId)
					.where('invitation.state', '=', 'pending')
			)
			.as('entry')
	);

/** How many there are of each role, as one row for each kind of people and role that there is. */
export const selectPeopleCounts = (db: Db, organizationId: string) =>
	selectEntries(db, organizationId)
		.select(['entry.isInvited', 'entry.role', sql<number>`count(*)::int`.as('count')])
		.groupBy(['entry.isInvited', 'entry.role']);

export function peopleCountsOf(rows: { isInvited: boolean; role: Member['role']; count: number }[]) {
	const counts: PeopleCounts = {
		members: { super_admin: 0, team_member: 0 },
		invitations: { super_admin: 0, team_member: 0 }
	};
	for (const { isInvited, role, count } of rows) counts[isInvited ? 'invitations' : 'members'][role] = count;
	return counts;
}

const byId = { id: 'entry.id', idType: 'uuid' } as const;
const byName: Order = { ...byId, column: 'entry.text', direction: 'asc', form: 'text' };
/** Of those who were invited, whom an e-mail went to last. */
const bySending: Order = { ...byId, column: 'entry.at', direction: 'desc', form: 'moment' };

async function listEntries(
	db: Db,
	organizationId: string,
	{ search, filter, after }: { search: string; filter: RosterFilter; after?: Cursor | undefined }
) {
	const wanted = searchKey(search);
	const fitting = selectEntries(db, organizationId)
		.select(['entry.id', 'entry.isInvited'])
		.$if(!after, (query) => query.select(sql<number>`(count(*) over ())::int`.as('count')))
		.$if(filter === 'member' || filter === 'invited', (query) =>
			query.where('entry.isInvited', '=', filter === 'invited')
		)
		.$if(filter === 'super_admin' || filter === 'team_member', (query) =>
			query.where('entry.role', '=', filter as Member['role'])
		)
		.$if(wanted !== '', (query) => query.where('entry.text', 'like', holding(wanted)));
	return takePage(fitting, filter === 'invited' ? bySending : byName, after, pageLength);
}

/** Members whose names or addresses hold the text: the first page of them, Super admins before the others, and how many fit. */
export async function searchMembers(db: Db, organizationId: string, search: string) {
	const wanted = searchKey(search);
	const rows = await selectMembers(db, organizationId)
		.select(sql<number>`(count(*) over ())::int`.as('count'))
		.$if(wanted !== '', (query) =>
			query.where(textOf('membership.nameKey', 'account.email'), 'like', holding(wanted))
		)
		.orderBy('membership.role')
		.orderBy('membership.joinedAt')
		.orderBy('membership.nameKey')
		.limit(pageLength)
		.execute();
	return { members: rows.map(({ count: _, ...row }) => memberViewOf(row)), found: rows[0]?.count ?? 0 };
}

export const rosterRouter = router({
	/**
	 * The people who fit, by name, and of the invited the one whom an e-mail went to last first: a page of them.
	 * `count`: how many fit, null after the first page; `seen`: when members were last seen, by the id of their account.
	 */
	list: organizationProcedure({
		search: searchText.default(''),
		filter: z.enum(rosterFilters).default('all'),
		after: nameCursor.optional()
	}).query(async ({ ctx: { db, organization }, input }) => {
		const { search, filter, after } = input;
		if (after && filter === 'invited' && !cursor.safeParse(after).success)
			throw fieldRefusal('after', 'INVALID', 'This is no place in the list.');
		const { rows, next } = await listEntries(db, organization.id, { search, filter, after });
		const idsOf = (isInvited: boolean) =>
			idsIn(rows.flatMap((row) => (row.isInvited === isInvited ? row.id : [])));
		const members = await selectMembers(db, organization.id)
			.select('account.lastSeenAt')
			.where('membership.id', 'in', idsOf(false))
			.orderBy('membership.nameKey')
			.execute();
		const invitations = await selectPending(db, organization.id)
			.where('invitation.id', 'in', idsOf(true))
			.execute();
		return {
			// Read before the rows: they are as new as that, or newer.
			seq: organization.lastSeq,
			members: members.map(({ lastSeenAt: _, ...row }) => memberViewOf(row)),
			invitations: invitations.map(invitationViewOf),
			seen: Object.fromEntries(
				members.flatMap(({ userId, lastSeenAt }) => (lastSeenAt ? [[userId, isoOf(lastSeenAt)]] : []))
			),
			count: after ? null : (rows[0]?.count ?? 0),
			next
		};
	}),

	/** Those among the members who are called for by the ids of their memberships or accounts. */
	listNamed: gatheredProcedure({ ids: z.array(z.uuid()).max(namesAtMost) }).query(
		async ({ ctx: { db, organization }, input }) => {
			const ids = idsIn(input.ids);
			const rows = await selectMembers(db, organization.id)
				.where((eb) => eb.or([eb('membership.id', 'in', ids), eb('membership.userId', 'in', ids)]))
				.execute();
			return { seq: organization.lastSeq, members: rows.map(memberViewOf) };
		}
	)
});
