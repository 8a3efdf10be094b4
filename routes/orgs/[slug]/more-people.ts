import { byId, type OrganizationSnapshot } from '#lib/apply.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import type { Invitation, Member } from '#lib/views.ts';

/** Some people, as of event number `seq` or a later one. */
export type SomePeople = { seq: number; members?: Member[]; invitations?: Invitation[] };

/** The snapshot with people beside those that it knows. */
export const withPeople = (
	snapshot: OrganizationSnapshot,
	{ members = [], invitations = [] }: SomePeople
): OrganizationSnapshot => ({
	...snapshot,
	members: members.reduce<Member[]>(byId, snapshot.members),
	invitations: invitations.reduce<Invitation[]>(byId, snapshot.invitations)
});

/** Asks for people and has the page know them: again where the page has heard of something since they were read. */
export async function learnOf(
	feed: Feed<OrganizationSnapshot>,
	ask: () => Promise<SomePeople>
): Promise<SomePeople> {
	let found;
	do found = await ask();
	while (found.seq < feed.current.seq);
	feed.extend((snapshot) => withPeople(snapshot, found));
	return found;
}
