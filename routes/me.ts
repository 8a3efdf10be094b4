import { page } from '$app/state';
import { countPeople } from '#lib/apply.ts';
import { can, type ProcedurePath } from '#lib/policy.ts';
import { getOrganizationFeed } from './feeds.ts';

/**
 * What the signed-in person may do in the organization of the page, from its live snapshot: what an event takes away
 * disappears with it. Call while a component is made; the returned function is reactive.
 */
export function useCan(): (path: ProcedurePath) => boolean {
	const feed = getOrganizationFeed();
	return (path) => {
		const { members, organization } = feed().current;
		const me = members.find(({ userId }) => userId === page.data.account?.id);
		return me !== undefined && can(path, { role: me.role, organization });
	};
}

/** Whether the signed-in person is the only Super admin of the organization of the page, who can't leave it. */
export function useIsLastSuperAdmin(): () => boolean {
	const feed = getOrganizationFeed();
	return () => {
		const now = feed().current;
		const me = now.members.find(({ userId }) => userId === page.data.account?.id);
		return me?.role === 'super_admin' && countPeople(now).members.super_admin === 1;
	};
}
