import { withAccess } from './accesses.ts';
import type { LiveEvent, ToldOnlyTo } from './events.ts';
import type { ProductAccess } from './products.ts';
import type { People, PeopleCounts } from './people.ts';
import { recentLength } from './wire.ts';
import { renamed } from './renamed.ts';
import { shownCredentials } from './views.ts';
import type { Organization, Application, Credential, Role } from './views.ts';

/**
 * What an organization's pages show, as of event number `seq`. Of its people it may hold a part: then more can be put
 * beside them at any time, as of that event or a later one, since what an event says of a row is the whole of it.
 */
export type OrganizationSnapshot = People & {
	seq: number;
	organization: Organization;
	applications: Application[];
	/** What they have of products and have asked for; see `withAccess` for the order. */
	accesses: ProductAccess[];
	/** The latest events, newest first. */
	recent: LiveEvent[];
};

export const byId = <Row extends { id: string }>(rows: Row[], row: Row): Row[] =>
	rows.some(({ id }) => id === row.id) ? rows.map((one) => (one.id === row.id ? row : one)) : [...rows, row];
const newestFirst = <Row extends { id: string }>(rows: Row[], row: Row): Row[] =>
	rows.some(({ id }) => id === row.id) ? byId(rows, row) : [row, ...rows];
export const without = <Row extends { id: string }>(rows: Row[], id: string): Row[] =>
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

const byRole = (rows: { role: Role }[]) => {
	const governing = rows.filter(({ role }) => role === 'super_admin').length;
	return { super_admin: governing, team_member: rows.length - governing };
};
const sum = (one: Record<Role, number>) => one.super_admin + one.team_member;

/** How many there are, whether all of them are listed or not. */
export function countPeople({ members, invitations, counts }: People) {
	const by = counts ?? { members: byRole(members), invitations: byRole(invitations) };
	return { ...by, memberCount: sum(by.members), invitationCount: sum(by.invitations) };
}

/**
 * The snapshot after the event. Pure: neither argument is changed. The caller sees to it that events come in order,
 * one number after the other.
 */
export function applyOrganization(snapshot: OrganizationSnapshot, event: LiveEvent): OrganizationSnapshot {
	const next = {
		...snapshot,
		seq: event.seq,
		counts: structuredClone(snapshot.counts),
		recent: [event, ...snapshot.recent].slice(0, recentLength)
	};
	/** One more or less; with the role of one whose place it takes. */
	const count = (kind: keyof PeopleCounts, role: Role, by: number, before?: Role) => {
		if (!next.counts) return;
		next.counts[kind][role] += by;
		if (before) next.counts[kind][before] -= 1;
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
		case 'organization.deletionScheduled':
		case 'organization.deletionCancelled':
		case 'organization.deleted':
			return { ...next, organization: event.payload.organization };
		case 'organization.suspended': {
			// It shows that it is, and nothing of what it holds, as when it is opened.
			const { organization } = event.payload;
			const nobody = { members: [], invitations: [], counts: null };
			return { ...next, organization, ...nobody, applications: [], accesses: [], recent: [] };
		}
		case 'member.activated': {
			count('members', event.payload.member.role, 1);
			const members = byId(next.members, event.payload.member);
			return {
				...next,
				members: members.toSorted((one, other) => one.joinedAt.localeCompare(other.joinedAt))
			};
		}
		case 'member.joined':
			count('members', event.payload.member.role, 1);
			if (event.payload.isInvited) count('invitations', event.payload.member.role, -1);
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
			count(
				'members',
				event.payload.member.role,
				1,
				'previous' in event.payload ? event.payload.previous.role : 'team_member'
			);
			return renamed({ ...next, members: byId(next.members, event.payload.member) }, event.payload.member);
		case 'member.handedOver': {
			const { member, former } = event.payload;
			return { ...next, members: byId(byId(next.members, member), former) };
		}
		case 'member.removed':
		case 'member.deactivated':
		case 'member.left':
			count('members', event.payload.member.role, -1);
			return { ...next, members: without(next.members, event.payload.member.id) };
		case 'invitation.created':
		case 'invitation.offered':
		case 'invitation.resent': {
			const { invitation } = event.payload;
			if (event.name !== 'invitation.resent') {
				const before = 'previousRole' in event.payload ? event.payload.previousRole : undefined;
				count('invitations', invitation.role, 1, before);
			}
			return { ...next, invitations: [invitation, ...without(next.invitations, invitation.id)] };
		}
		case 'invitation.updated':
		case 'invitation.delivered':
		case 'invitation.failed': {
			const { invitation } = event.payload;
			if ('previous' in event.payload) count('invitations', invitation.role, 1, event.payload.previous.role);
			return {
				...next,
				invitations: next.invitations.map((one) => (one.id === invitation.id ? invitation : one))
			};
		}
		case 'invitation.revoked':
		case 'invitation.declined':
			count('invitations', event.payload.invitation.role, -1);
			return { ...next, invitations: without(next.invitations, event.payload.invitation.id) };
		case 'application.created':
			return { ...next, applications: newestFirst(next.applications, event.payload.application) };
		case 'application.updated': {
			const { credentials: _, ...head } = event.payload.application;
			const applications = next.applications.map((one) => (one.id === head.id ? { ...one, ...head } : one));
			const accesses = next.accesses.map((one) =>
				one.applicationId === head.id ? { ...one, applicationName: head.name } : one
			);
			return { ...next, applications, accesses };
		}
		case 'application.received': {
			// It may be older than those that are here.
			const applications = newestFirst(next.applications, event.payload.application).toSorted((one, other) =>
				other.createdAt.localeCompare(one.createdAt)
			);
			return { ...next, applications };
		}
		case 'application.moved':
		case 'application.deleted': {
			const { id } = event.payload.application;
			const accesses = next.accesses.filter(({ applicationId }) => applicationId !== id);
			return { ...next, applications: without(next.applications, id), accesses };
		}
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
		case 'access.requested':
		case 'access.withdrawn':
		case 'access.approved':
		case 'access.rejected':
		case 'access.ended':
		case 'access.kept':
		case 'access.limited':
		case 'access.aged':
		case 'access.retiring':
			return { ...next, accesses: withAccess(next.accesses, event.payload.access, Date.parse(event.at)) };
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
