import type { Invitation, Member, Role } from './views.ts';

/** Up to so many members and open invitations a snapshot lists all of them; of more it tells how many there are. */
export const listedAtMost = 200;

/** How many people an organization has, by their roles. */
export type PeopleCounts = Record<'members' | 'invitations', Record<Role, number>>;

/** Some of an organization's people; all of them where `counts` is null. */
export type People = { members: Member[]; invitations: Invitation[]; counts: PeopleCounts | null };

/** How the list of people can be narrowed. */
export const rosterFilters = ['all', 'member', 'super_admin', 'team_member', 'invited'] as const;
export type RosterFilter = (typeof rosterFilters)[number];
