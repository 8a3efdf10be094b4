import type { OrganizationSnapshot } from '#lib/apply.ts';
import type { Company, Portal } from './factories.ts';

/** An organization of more people than a page is told at once. */

export const byEmail = <Row extends { email: string }>(rows: Row[]) =>
	rows.toSorted((one, other) => one.email.localeCompare(other.email));

/** Members and open invitations, half and half. */
export async function insertPeople(
	portal: Portal,
	{ id: organizationId, slug, owner }: Company,
	count: number
) {
	if (count === 0) return;
	await portal.admin.api.settings.update.mutate({ maxMembers: 2000, maxOpenInvitations: 500 });
	const people = Array.from({ length: count }, (_, i) => ({
		email: `many${i}.${slug}@example.test`,
		firstName: 'One',
		lastName: `Of many ${i}`
	}));
	await portal.inDatabase(async (db) => {
		const accounts = await db
			.insertInto('account')
			.values(people.slice(0, count / 2).map((one) => ({ ...one, passwordHash: 'none', status: 'active' })))
			.returning(['id as userId', 'firstName', 'lastName'])
			.execute();
		await db
			.insertInto('membership')
			.values(accounts.map((one) => ({ ...one, organizationId, role: 'team_member' })))
			.execute();
		await db
			.insertInto('invitation')
			.values(
				people.slice(count / 2).map((one) => ({
					...one,
					organizationId,
					role: 'team_member',
					tokenHash: one.email,
					invitedBy: owner.userId,
					expiresAt: new Date(Date.now() + 7 * 86_400_000)
				}))
			)
			.execute();
	});
}

/** All people, page by page, as the list of a large organization comes. */
export async function listPeople({ id: organizationId, owner }: Company) {
	const found: Pick<OrganizationSnapshot, 'members' | 'invitations'> = { members: [], invitations: [] };
	let after: { value: string; id: string } | undefined;
	do {
		const page = await owner.api.members.list.query({ organizationId, ...(after && { after }) });
		found.members.push(...page.members);
		found.invitations.push(...page.invitations);
		after = page.next ?? undefined;
	} while (after);
	return found;
}
