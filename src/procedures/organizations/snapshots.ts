import { sql } from 'kysely';
import { byId, type OrganizationSnapshot } from '#lib/apply.ts';
import { listedAtMost } from '#lib/people.ts';
import { namesAtMost, recentLength, type Online } from '#lib/wire.ts';
import type { Db } from '../../database/database.ts';
import { share } from '../../database/gathering.ts';
import { compileTogether } from '../../database/together.ts';
import { notFound } from '../../api/refusals.ts';
import { router, slugProcedure } from '../../api/trpc.ts';
import { accessViewOf, selectAccessesOf } from '../products/accesses.ts';
import { forMember, selectLatest, toEvents } from '../activity/activity.ts';
import { applicationViewsOf, selectApplicationsOf } from '../applications/applications.ts';
import { invitationViewOf, selectInvitations, selectPending } from '../../people/invitations.ts';
import { memberViewOf, selectAllMembers, selectMembers } from '../../people/members.ts';
import { peopleCountsOf, selectPeopleCounts } from '../members/roster.ts';
import { selectOnlineIn } from '../../news/presence.ts';
import { organizationViewOf, selectOrganizations } from './organizations.ts';

/** What opens with an organization's pages. */

/** Whether all people are listed; counted no further than it takes to know. */
const isListed = (db: Db, id: string) => {
	const some = (table: 'membership' | 'invitation') =>
		db
			.selectFrom(table)
			.select(sql`1`.as('one'))
			.where('organizationId', '=', id)
			.limit(listedAtMost + 1);
	const open = some('invitation').where('state', '=', 'pending');
	return sql<boolean>`(select count(*) from (${some('membership')} union all ${open}) as one) <= ${listedAtMost}`;
};
const isCounted = (db: Db, id: string) => sql<boolean>`not (${isListed(db, id)})`;

const askForAll = compileTogether((db: Db, id: string) => ({
	organizations: selectOrganizations(db).where('organization.id', '=', id),
	members: selectAllMembers(db, id).where(isListed(db, id)),
	invitations: selectPending(db, id).where(isListed(db, id)),
	counts: selectPeopleCounts(db, id).where(isCounted(db, id)),
	// Whom pages name at once, as far as there are too many to list.
	present: selectMembers(db, id)
		.where('membership.userId', 'in', (eb) =>
			eb.selectFrom(selectOnlineIn(db, id, namesAtMost).as('there')).select('there.userId')
		)
		.where(isCounted(db, id)),
	...selectApplicationsOf(db, id),
	accesses: selectAccessesOf(db, id),
	events: selectLatest(db, { kind: 'organization', organizationId: id }, recentLength),
	online: selectOnlineIn(db, id, namesAtMost)
}));

type Opened = { snapshot: OrganizationSnapshot; online: Online };

/** What everybody sees who opens the organization's pages: read once for all who do so at the same time. */
const shareSnapshot = share(async (db, id): Promise<Opened> => {
	// All of it at one moment, with the number of the latest event.
	const found = await askForAll(db, id);
	const [row] = found.organizations;
	if (!row) throw notFound();
	const head = { seq: row.lastSeq, organization: organizationViewOf(row) };
	// A suspended organization shows that it is, and nothing of what it holds.
	if (row.status === 'suspended') {
		const nobody = { members: [], invitations: [], counts: null };
		return {
			snapshot: { ...head, ...nobody, applications: [], accesses: [], recent: [] },
			online: { count: 0, userIds: [] }
		};
	}
	const counts = found.counts.length > 0 ? peopleCountsOf(found.counts) : null;
	return {
		snapshot: {
			...head,
			members: (counts ? found.present : found.members).map(memberViewOf),
			invitations: found.invitations.map(invitationViewOf),
			counts,
			applications: applicationViewsOf(found),
			accesses: found.accesses.map(accessViewOf),
			recent: toEvents(found.events, 'organization')
		},
		online: { count: found.online[0]?.count ?? 0, userIds: found.online.map(({ userId }) => userId) }
	};
});

/** What a person's own page needs of the people: themselves, and which of their invitations end while it may be open. */
const askForOwn = compileTogether((db: Db, id: string, userId: string) => ({
	members: selectMembers(db, id).where('membership.userId', '=', userId),
	invitations: selectInvitations(db)
		.where('invitation.organizationId', '=', id)
		.where('invitation.state', '=', 'pending')
		.where('invitation.invitedBy', '=', userId)
		.where(sql<boolean>`invitation.expires_at between now() and now() + interval '2 days'`)
		.orderBy('invitation.expiresAt')
		.limit(20)
}));

export const snapshotsRouter = router({
	open: slugProcedure().query(async ({ ctx }) => {
		const { snapshot: shared, online } = await shareSnapshot(ctx.db, ctx.organization.id);
		const recent = shared.recent.map((event) => forMember(event, ctx.membership.joinedAt));
		const snapshot = { ...shared, recent };
		if (!shared.counts) return { snapshot, online };
		const own = await askForOwn(ctx.db, ctx.organization.id, ctx.user.id);
		const members = own.members.map(memberViewOf).reduce(byId, shared.members);
		return {
			snapshot: { ...snapshot, members, invitations: own.invitations.map(invitationViewOf) },
			online
		};
	})
});
