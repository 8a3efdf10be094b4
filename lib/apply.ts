import type { LiveEvent, ToldOnlyTo } from './events.ts';
import { recentLength } from './wire.ts';
import { renamed } from './renamed.ts';
import { matchesSearch } from './search.ts';
import { shownCredentials } from './views.ts';
import type {
	AdminOrganization,
	Application,
	Credential,
	Cursor,
	Invitation,
	Member,
	Organization,
	OrganizationOrder,
	Status
} from './views.ts';

/** What an organization's pages show, as of event number `seq`. */
export type OrganizationSnapshot = {
	seq: number;
	organization: Organization;
	members: Member[];
	invitations: Invitation[];
	applications: Application[];
	/** The latest events, newest first. */
	recent: LiveEvent[];
};

/**
 * What the portal admins' pages show, as of event number `seq`; `search`, `filter` and `order` say which rows were
 * asked for, `next` where the list goes on.
 */
export type PortalSnapshot = {
	seq: number;
	search: string;
	filter: Status | null;
	order: OrganizationOrder;
	next: Cursor | null;
	/** Rows that came later than the snapshot, with the number of the last event that they know. */
	later: Record<string, number>;
	counts: Record<Status, number>;
	organizations: AdminOrganization[];
	/** How many accounts wait for an approval. */
	waiting: number;
	recent: LiveEvent[];
};

const byId = <Row extends { id: string }>(rows: Row[], row: Row): Row[] =>
	rows.some(({ id }) => id === row.id) ? rows.map((one) => (one.id === row.id ? row : one)) : [...rows, row];
const newestFirst = <Row extends { id: string }>(rows: Row[], row: Row): Row[] =>
	rows.some(({ id }) => id === row.id) ? byId(rows, row) : [row, ...rows];
const without = <Row extends { id: string }>(rows: Row[], id: string): Row[] =>
	rows.filter((one) => one.id !== id);

function withCredentials(
	applications: Application[],
	{ at, payload: { applicationId } }: { at: string; payload: { applicationId: string } },
	change: (credentials: Credential[]) => Credential[]
): Application[] {
	return applications.map((one) =>
		one.id === applicationId
			? { ...one, credentials: shownCredentials(change(one.credentials), Date.parse(at)) }
			: one
	);
}

/**
 * The snapshot after the event. Pure: neither argument is changed. The caller sees to it that events come in order,
 * one number after the other.
 */
export function applyOrganization(snapshot: OrganizationSnapshot, event: LiveEvent): OrganizationSnapshot {
	const next = {
		...snapshot,
		seq: event.seq,
		recent: [event, ...snapshot.recent].slice(0, recentLength)
	};
	switch (event.name) {
		case 'organization.requested':
		case 'organization.renamed':
		case 'organization.withdrawn':
		case 'organization.approved':
		case 'organization.rejected':
		case 'organization.restored':
		case 'organization.configured':
		case 'organization.limited':
		case 'organization.created':
		case 'organization.condemned':
		case 'organization.kept':
		case 'organization.deleted':
			return { ...next, organization: event.payload.organization };
		case 'organization.suspended': {
			// It shows that it is, and nothing of what it holds, as when it is opened.
			const { organization } = event.payload;
			return { ...next, organization, members: [], invitations: [], applications: [], recent: [] };
		}
		case 'member.activated': {
			const members = byId(next.members, event.payload.member);
			return {
				...next,
				members: members.toSorted((one, other) => one.joinedAt.localeCompare(other.joinedAt))
			};
		}
		case 'member.joined':
			return renamed(
				{
					...next,
					members: byId(next.members, event.payload.member),
					invitations: next.invitations.filter(({ email }) => email !== event.payload.member.email)
				},
				event.payload.member
			);
		case 'member.updated':
		case 'member.appointed':
			return renamed({ ...next, members: byId(next.members, event.payload.member) }, event.payload.member);
		case 'member.handedOver': {
			const { member, former } = event.payload;
			return { ...next, members: byId(byId(next.members, member), former) };
		}
		case 'member.removed':
		case 'member.deactivated':
		case 'member.left':
			return { ...next, members: without(next.members, event.payload.member.id) };
		case 'invitation.created':
		case 'invitation.offered':
		case 'invitation.resent': {
			const { invitation } = event.payload;
			return { ...next, invitations: [invitation, ...without(next.invitations, invitation.id)] };
		}
		case 'invitation.updated':
		case 'invitation.delivered':
		case 'invitation.failed': {
			const { invitation } = event.payload;
			return {
				...next,
				invitations: next.invitations.map((one) => (one.id === invitation.id ? invitation : one))
			};
		}
		case 'invitation.revoked':
		case 'invitation.declined':
			return { ...next, invitations: without(next.invitations, event.payload.invitation.id) };
		case 'application.created':
			return { ...next, applications: newestFirst(next.applications, event.payload.application) };
		case 'application.updated': {
			const { credentials: _, ...head } = event.payload.application;
			const applications = next.applications.map((one) => (one.id === head.id ? { ...one, ...head } : one));
			return { ...next, applications };
		}
		case 'application.received': {
			// It may be older than those that are here.
			const applications = newestFirst(next.applications, event.payload.application).toSorted((one, other) =>
				other.createdAt.localeCompare(one.createdAt)
			);
			return { ...next, applications };
		}
		case 'application.moved':
		case 'application.deleted':
			return { ...next, applications: without(next.applications, event.payload.application.id) };
		case 'credential.created':
		case 'credential.revoked': {
			const { credential } = event.payload;
			return {
				...next,
				applications: withCredentials(next.applications, event, (rows) => newestFirst(rows, credential))
			};
		}
		case 'credential.rotated': {
			const { credential, replaced } = event.payload;
			return {
				...next,
				applications: withCredentials(next.applications, event, (rows) =>
					newestFirst(byId(rows, replaced), credential)
				)
			};
		}
		case 'application.limited':
		case 'application.neared':
			// Pages ask for limits by themselves.
			return next;
		case 'credential.revealed':
		case 'credential.copied':
		case 'credential.known':
		case 'credential.expiring':
		case 'credential.expired':
			// Pages see by the clock what has ended.
			return next;
		default:
			// None that this stream has is left out; one whose name isn't known changes nothing.
			event satisfies ToldOnlyTo<'portal'>;
			return next;
	}
}

/** Whether the row was loaded after the event had happened. */
const knows = ({ later }: PortalSnapshot, id: string, { seq }: LiveEvent) => (later[id] ?? 0) >= seq;

/** The snapshot with further rows of its list, as of event number `seq`. */
export function extendPortal(
	snapshot: PortalSnapshot,
	page: { seq: number; organizations: AdminOrganization[]; next: Cursor | null }
): PortalSnapshot {
	const shown = new Set(snapshot.organizations.map(({ id }) => id));
	const rows = page.organizations.filter(({ id }) => !shown.has(id));
	return {
		...snapshot,
		next: page.next,
		organizations: [...snapshot.organizations, ...rows],
		later: { ...snapshot.later, ...Object.fromEntries(rows.map(({ id }) => [id, page.seq])) }
	};
}

/** The portal admins' snapshot after the event; see {@link applyOrganization}. */
export function applyPortal(snapshot: PortalSnapshot, event: LiveEvent): PortalSnapshot {
	const next = {
		...snapshot,
		seq: event.seq,
		recent: [event, ...snapshot.recent].slice(0, recentLength)
	};
	const changing = (change: (one: AdminOrganization) => AdminOrganization) => ({
		...next,
		organizations: next.organizations.map((one) =>
			one.id === event.organizationId && !knows(snapshot, one.id, event) ? change(one) : one
		)
	});
	const counting = (change: Partial<Record<'memberCount' | 'applicationCount', number>>) =>
		changing((one) => ({
			...one,
			memberCount: one.memberCount + (change.memberCount ?? 0),
			applicationCount: one.applicationCount + (change.applicationCount ?? 0)
		}));
	switch (event.name) {
		case 'organization.requested':
		case 'organization.withdrawn':
		case 'organization.approved':
		case 'organization.rejected':
		case 'organization.suspended':
		case 'organization.restored': {
			const { organization, previousStatus } = event.payload;
			const counts = { ...next.counts };
			if (previousStatus) counts[previousStatus] -= 1;
			counts[organization.status] += 1;
			return { ...next, counts, organizations: withOrganization(next, event, organization) };
		}
		case 'organization.created': {
			const { organization } = event.payload;
			return {
				...next,
				counts: { ...next.counts, [organization.status]: next.counts[organization.status] + 1 },
				organizations: withOrganization(next, event, organization)
			};
		}
		case 'organization.deleted': {
			const { organization } = event.payload;
			return {
				...next,
				counts: { ...next.counts, [organization.status]: next.counts[organization.status] - 1 },
				organizations: without(next.organizations, organization.id)
			};
		}
		case 'organization.renamed':
		case 'organization.configured':
		case 'organization.condemned':
		case 'organization.kept':
			return { ...next, organizations: withOrganization(next, event, event.payload.organization) };
		case 'member.joined':
		case 'member.activated': {
			// The last Super admin can't go, so that nothing else takes this away.
			const isSuperAdmin = event.payload.member.role === 'super_admin';
			return changing((one) => ({
				...one,
				memberCount: one.memberCount + 1,
				hasSuperAdmin: one.hasSuperAdmin || isSuperAdmin
			}));
		}
		case 'member.appointed':
			return changing((one) => ({ ...one, hasSuperAdmin: true }));
		case 'member.removed':
		case 'member.deactivated':
		case 'member.left':
			return counting({ memberCount: -1 });
		case 'application.created':
		case 'application.received':
			return counting({ applicationCount: 1 });
		case 'application.deleted':
			return counting({ applicationCount: -1 });
		case 'account.verified':
		case 'account.emailChanged':
			return { ...next, organizations: withProof(snapshot, event, event.payload.account) };
		case 'account.registered':
			return { ...next, waiting: next.waiting + (event.payload.account.status === 'pending' ? 1 : 0) };
		case 'account.approved':
		case 'account.rejected':
			return { ...next, waiting: next.waiting - 1 };
		case 'account.deleted':
			return { ...next, waiting: next.waiting - (event.payload.account.status === 'pending' ? 1 : 0) };
		case 'organization.limited':
		case 'application.limited':
		case 'member.updated':
		case 'invitation.offered':
		case 'account.deactivated':
		case 'account.activated':
		case 'account.appointed':
		case 'account.dismissed':
		case 'account.renamed':
		case 'account.passwordChanged':
		case 'account.passwordResetSent':
		case 'account.notificationsChanged':
		case 'settings.updated':
		case 'email.changed':
		case 'email.restored':
		case 'email.reset':
		case 'brand.updated':
		case 'mailServer.updated':
		case 'gateway.created':
		case 'gateway.updated':
		case 'gateway.rotated':
		case 'gateway.revoked':
			return next;
		default:
			event satisfies ToldOnlyTo<'organization'>;
			return next;
	}
}

/** The requests of somebody whose address is proven from now on. */
function withProof(
	snapshot: PortalSnapshot,
	event: LiveEvent,
	{ id, email }: { id: string; email: string }
): AdminOrganization[] {
	return snapshot.organizations.map((one) =>
		one.requestedBy?.id === id && !knows(snapshot, one.id, event)
			? { ...one, requestedBy: { ...one.requestedBy, email, isProven: true } }
			: one
	);
}

/** A row that no longer matches the filter stays until the next load, so that nothing moves under the pointer. */
function withOrganization(
	snapshot: PortalSnapshot,
	event: LiveEvent,
	organization: Organization
): AdminOrganization[] {
	if (knows(snapshot, organization.id, event)) return snapshot.organizations;
	const known = snapshot.organizations.find(({ id }) => id === organization.id);
	if (known) return byId(snapshot.organizations, { ...known, ...organization });
	if (!matchesSearch(organization, snapshot.search, snapshot.filter)) return snapshot.organizations;
	// Only what is new, or new under this filter: anything else stands on a page of the list that isn't loaded yet.
	const isNew = event.name === 'organization.requested' || event.name === 'organization.created';
	const isDecided = event.name === 'organization.approved' || event.name === 'organization.rejected';
	if (!isNew && !(isDecided && snapshot.filter)) return snapshot.organizations;
	// A request has its requester, what a portal admin creates has nobody yet.
	const isRequest = event.name !== 'organization.created';
	return [
		{ ...organization, memberCount: isRequest ? 1 : 0, applicationCount: 0, hasSuperAdmin: isRequest },
		...snapshot.organizations
	];
}
