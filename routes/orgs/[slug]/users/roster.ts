import { searchKey } from '#lib/search.ts';
import { fullName, type Invitation, type Member, type Role } from '#lib/views.ts';

/** A row of the list: somebody who is a member, or somebody who is invited. */
export type Entry = { id: string; name: string; email: string; role: Role; text: string } & (
	{ member: Member } | { invitation: Invitation }
);

export type Filter = 'all' | Role | 'invited';

// The same on the server and in every browser, so that no row moves when the page comes to life.
const names = new Intl.Collator('en', { numeric: true });

const entryOf = (one: Member | Invitation) => {
	const name = fullName(one);
	const { id, email, role } = one;
	return { id, name, email, role, text: searchKey(`${name} ${email}`) };
};

const byName = (one: Entry, other: Entry) =>
	names.compare(one.name, other.name) || names.compare(one.email, other.email);
// As the database sorts, which has found some of many.
const byText = (one: Entry, other: Entry) => (one.text < other.text ? -1 : 1);

/** Members and invited people in one list, by name. */
export const listEntries = (members: Member[], invitations: Invitation[], isPart: boolean): Entry[] =>
	[
		...members.map((member) => ({ ...entryOf(member), member })),
		...invitations.map((invitation) => ({ ...entryOf(invitation), invitation }))
	].sort(isPart ? byText : byName);

export const fitsRoster = (entry: Entry, filter: Filter) =>
	filter === 'all' || (filter === 'invited' ? 'invitation' in entry : entry.role === filter);

export const sentAt = (entry: Entry) => ('invitation' in entry ? Date.parse(entry.invitation.sentAt) : 0);
/** The invitation that was sent last comes first. */
export const bySending = (one: Entry, other: Entry) => sentAt(other) - sentAt(one);
