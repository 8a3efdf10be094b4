import type { Topic } from '#lib/topics.ts';
import { fullName, type Member, type Role } from '#lib/views.ts';
import { compileOnce } from '../database/compiled.ts';
import { isoOf, type Db, type Trx } from '../database/database.ts';
import { publish } from '../news/publish.ts';
import { notFound } from '../api/refusals.ts';

/** Who belongs to an organization. */

export function selectMembers(db: Db, organizationId: string) {
	return db
		.selectFrom('membership')
		.innerJoin('account', 'account.id', 'membership.userId')
		.select([
			'membership.id',
			'membership.userId',
			'account.email',
			'membership.firstName',
			'membership.lastName',
			'membership.role',
			'membership.joinedAt'
		])
		.where('membership.organizationId', '=', organizationId)
		.where('account.status', '=', 'active');
}

type Row = Awaited<ReturnType<ReturnType<typeof selectMembers>['executeTakeFirstOrThrow']>>;

export const memberViewOf = (row: Row): Member => ({ ...row, joinedAt: isoOf(row.joinedAt) });

export const selectAllMembers = (db: Db, organizationId: string) =>
	selectMembers(db, organizationId).orderBy('membership.joinedAt');
const askForMembers = compileOnce(selectAllMembers);

export const listMembers = async (db: Db, organizationId: string): Promise<Member[]> =>
	(await askForMembers(db, organizationId)).map(memberViewOf);

/** The members who have asked for e-mails of a topic that nobody gets otherwise. */
export async function listOptedIn(db: Db, organizationId: string, topic: Topic): Promise<Member[]> {
	const rows = await selectMembers(db, organizationId)
		.innerJoin('mailOptIn', 'mailOptIn.accountId', 'membership.userId')
		.where('mailOptIn.topic', '=', topic)
		.orderBy('membership.joinedAt')
		.execute();
	return rows.map(memberViewOf);
}

/** @throws {Refusal} NOT_FOUND, also for a member of another organization. */
export async function getMember(db: Db, organizationId: string, memberId: string): Promise<Member> {
	const row = await selectMembers(db, organizationId)
		.where('membership.id', '=', memberId)
		.executeTakeFirst();
	if (!row) throw notFound();
	return memberViewOf(row);
}

/** The membership of an account, while that is active. */
export async function findMember(db: Db, organizationId: string, userId: string): Promise<Member | null> {
	const row = await selectMembers(db, organizationId)
		.where('membership.userId', '=', userId)
		.executeTakeFirst();
	return row ? memberViewOf(row) : null;
}

/** Holds only under the lock of the organization's row. Only people with an active account count. */
export async function isLastSuperAdmin(db: Db, organizationId: string, member: Member): Promise<boolean> {
	if (member.role !== 'super_admin') return false;
	const other = await selectMembers(db, organizationId)
		.where('membership.role', '=', 'super_admin')
		.where('membership.id', '!=', member.id)
		.executeTakeFirst();
	return !other;
}

/**
 * Makes a person a member and tells of it; who is one already stays as they are.
 * @param isInvited whether an open invitation, of the same role, ends with it.
 */
export async function addMember(
	db: Trx,
	organization: { id: string; isPersonal: boolean },
	person: { id: string; firstName: string; lastName: string; role: Role },
	isInvited = false
): Promise<void> {
	const { id: userId, firstName, lastName, role } = person;
	const row = await db
		.with('made', (made) =>
			made
				.insertInto('membership')
				.values({ organizationId: organization.id, userId, firstName, lastName, role })
				.onConflict((conflict) => conflict.columns(['organizationId', 'userId']).doNothing())
				.returning(['id', 'joinedAt'])
		)
		.selectFrom('made')
		.innerJoin('account', (join) => join.on('account.id', '=', userId))
		.select(['made.id', 'made.joinedAt', 'account.email', 'account.status'])
		.executeTakeFirst();
	if (!row) return;
	const { status, ...made } = row;
	if (status !== 'active') throw notFound();
	const member = memberViewOf({ ...made, userId, firstName, lastName, role });
	const actor = { id: userId, name: fullName(member), kind: 'developer' as const };
	await publish({ db, actor, organization }, 'member.joined', {
		member,
		...(isInvited && { isInvited })
	});
}
